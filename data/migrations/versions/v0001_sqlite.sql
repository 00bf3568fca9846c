CREATE TABLE gpkg_spatial_ref_sys (
srs_name TEXT NOT NULL,
srs_id INTEGER NOT NULL PRIMARY KEY,
organization TEXT NOT NULL,
organization_coordsys_id INTEGER NOT NULL,
definition TEXT NOT NULL,
description TEXT
)

CREATE TABLE gpkg_contents (
table_name TEXT NOT NULL PRIMARY KEY,
data_type TEXT NOT NULL,
identifier TEXT UNIQUE,
description TEXT DEFAULT '',
last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
min_x DOUBLE,
min_y DOUBLE,
max_x DOUBLE,
max_y DOUBLE,
srs_id INTEGER,
CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id)
)

CREATE TABLE gpkg_geometry_columns (
table_name TEXT NOT NULL,
column_name TEXT NOT NULL,
geometry_type_name TEXT NOT NULL,
srs_id INTEGER NOT NULL,
z TINYINT NOT NULL,
m TINYINT NOT NULL,
CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
CONSTRAINT uk_gc_table_name UNIQUE (table_name),
CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id)
)

INSERT INTO gpkg_spatial_ref_sys
(srs_name, srs_id, organization, organization_coordsys_id, definition)
VALUES ('Undefined cartesian SRS', -1, 'NONE', -1, 'undefined')

INSERT INTO gpkg_spatial_ref_sys
(srs_name, srs_id, organization, organization_coordsys_id, definition)
VALUES ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined')

INSERT INTO gpkg_spatial_ref_sys
(srs_name, srs_id, organization, organization_coordsys_id, definition)
VALUES ('WGS 84', 4326, 'EPSG', 4326, 'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]]')

INSERT INTO gpkg_spatial_ref_sys
(srs_name, srs_id, organization, organization_coordsys_id, definition)
VALUES ('China Geodetic Coordinate System 2000', 4490, 'EPSG', 4490, 'GEOGCS["China Geodetic Coordinate System 2000",DATUM["China_2000",SPHEROID["CGCS2000",6378137,298.257222101,AUTHORITY["EPSG","1024"]],AUTHORITY["EPSG","1043"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4490"]]')

CREATE TABLE boundary (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT,
geom GEOMETRY NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_boundary_id CHECK (id <> ''),
CONSTRAINT ck_boundary_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE cell (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
persons INTEGER NOT NULL,
geom POINT NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_cell_id CHECK (id <> ''),
CONSTRAINT ck_cell_persons_1 CHECK ("persons" >= 0),
CONSTRAINT ck_cell_persons_2 CHECK ("persons" <= 1000000000),
CONSTRAINT ck_cell_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE change (
seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
"table" TEXT NOT NULL,
id TEXT NOT NULL,
operation TEXT NOT NULL,
utc TEXT NOT NULL,
CONSTRAINT ck_change_operation CHECK (operation IN ('insert', 'update', 'delete'))
)

CREATE TABLE closure (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
reason TEXT NOT NULL,
from_utc TEXT,
to_utc TEXT,
factor DOUBLE DEFAULT 0 NOT NULL,
geom GEOMETRY NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_closure_id CHECK (id <> ''),
CONSTRAINT ck_closure_reason_1 CHECK ("reason" <> ''),
CONSTRAINT ck_closure_from_utc_1 CHECK ("from_utc" LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_closure_to_utc_1 CHECK ("to_utc" LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_closure_factor_1 CHECK ("factor" >= 0),
CONSTRAINT ck_closure_factor_2 CHECK ("factor" <= 1),
CONSTRAINT ck_closure_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE depot (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT NOT NULL,
level TEXT NOT NULL,
volume_m3 DOUBLE,
address TEXT,
contact TEXT,
phone TEXT,
geom POINT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_depot_id CHECK (id <> ''),
CONSTRAINT ck_depot_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_depot_level_1 CHECK ("level" IN ('community', 'street', 'district', 'city')),
CONSTRAINT ck_depot_volume_m3_1 CHECK ("volume_m3" >= 0),
CONSTRAINT ck_depot_volume_m3_2 CHECK ("volume_m3" <= 1000000000),
CONSTRAINT ck_depot_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE district (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT NOT NULL,
epsg INTEGER NOT NULL,
timezone TEXT NOT NULL,
demo INTEGER DEFAULT 0 NOT NULL,
created_utc TEXT NOT NULL,
CONSTRAINT ck_district_id CHECK (id <> ''),
CONSTRAINT ck_district_one_row CHECK (fid = 1),
CONSTRAINT ck_district_demo CHECK (demo IN (0, 1)),
UNIQUE (id)
)

CREATE TABLE enterprise (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT NOT NULL,
categories TEXT,
risk_level TEXT,
workers_on_shift INTEGER,
substances TEXT,
address TEXT,
contact TEXT,
phone TEXT,
geom POINT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_enterprise_id CHECK (id <> ''),
CONSTRAINT ck_enterprise_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_enterprise_categories_1 CHECK (replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(';' || "categories" || ';', ';hazardous_chemicals;', ';'), ';ammonia_refrigeration;', ';'), ';combustible_dust;', ';'), ';aluminium_casting;', ';'), ';induction_furnace;', ';'), ';confined_space;', ';'), ';explosive_workplace;', ';'), ';rented_factory;', ';'), ';energy_storage;', ';'), ';private_cinema;', ';'), ';gas_user;', ';'), ';fireworks_wholesale;', ';'), ';other_industry;', ';') = ';'),
CONSTRAINT ck_enterprise_risk_level_1 CHECK ("risk_level" IN ('major', 'considerable', 'general', 'low')),
CONSTRAINT ck_enterprise_workers_on_shift_1 CHECK ("workers_on_shift" >= 0),
CONSTRAINT ck_enterprise_workers_on_shift_2 CHECK ("workers_on_shift" <= 1000000),
CONSTRAINT ck_enterprise_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE hospital (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT NOT NULL,
beds INTEGER,
address TEXT,
contact TEXT,
phone TEXT,
geom POINT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_hospital_id CHECK (id <> ''),
CONSTRAINT ck_hospital_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_hospital_beds_1 CHECK ("beds" >= 0),
CONSTRAINT ck_hospital_beds_2 CHECK ("beds" <= 1000000),
CONSTRAINT ck_hospital_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE import_run (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
kind TEXT NOT NULL,
file TEXT,
sha256 TEXT,
rows INTEGER DEFAULT 0 NOT NULL,
inserted INTEGER DEFAULT 0 NOT NULL,
updated INTEGER DEFAULT 0 NOT NULL,
unchanged INTEGER DEFAULT 0 NOT NULL,
deleted INTEGER DEFAULT 0 NOT NULL,
unplaced INTEGER DEFAULT 0 NOT NULL,
notices TEXT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_import_run_id CHECK (id <> ''),
CONSTRAINT ck_import_run_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE item (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT NOT NULL,
unit TEXT NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_item_id CHECK (id <> ''),
CONSTRAINT ck_item_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_item_unit_1 CHECK ("unit" <> ''),
CONSTRAINT ck_item_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE road (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
highway TEXT NOT NULL,
maxspeed DOUBLE,
oneway TEXT,
bridge INTEGER,
tunnel INTEGER,
layer INTEGER,
name TEXT,
geom GEOMETRY NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_road_id CHECK (id <> ''),
CONSTRAINT ck_road_highway_1 CHECK ("highway" <> ''),
CONSTRAINT ck_road_maxspeed_1 CHECK ("maxspeed" >= 0),
CONSTRAINT ck_road_maxspeed_2 CHECK ("maxspeed" <= 200),
CONSTRAINT ck_road_bridge_1 CHECK ("bridge" IN (0, 1)),
CONSTRAINT ck_road_tunnel_1 CHECK ("tunnel" IN (0, 1)),
CONSTRAINT ck_road_layer_1 CHECK ("layer" >= -20),
CONSTRAINT ck_road_layer_2 CHECK ("layer" <= 20),
CONSTRAINT ck_road_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE shelter (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT NOT NULL,
class TEXT,
area_m2 DOUBLE,
effective_area_m2 DOUBLE,
capacity INTEGER,
stay TEXT,
indoor INTEGER,
address TEXT,
contact TEXT,
phone TEXT,
geom POINT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_shelter_id CHECK (id <> ''),
CONSTRAINT ck_shelter_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_shelter_class_1 CHECK ("class" IN ('emergency', 'short', 'medium', 'long', 'central')),
CONSTRAINT ck_shelter_area_m2_1 CHECK ("area_m2" >= 0),
CONSTRAINT ck_shelter_area_m2_2 CHECK ("area_m2" <= 1000000000),
CONSTRAINT ck_shelter_effective_area_m2_1 CHECK ("effective_area_m2" >= 0),
CONSTRAINT ck_shelter_effective_area_m2_2 CHECK ("effective_area_m2" <= 1000000000),
CONSTRAINT ck_shelter_capacity_1 CHECK ("capacity" >= 0),
CONSTRAINT ck_shelter_capacity_2 CHECK ("capacity" <= 1000000000),
CONSTRAINT ck_shelter_stay_1 CHECK ("stay" IN ('day', 'short', 'medium', 'long')),
CONSTRAINT ck_shelter_indoor_1 CHECK ("indoor" IN (0, 1)),
CONSTRAINT ck_shelter_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE street (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT NOT NULL,
geom GEOMETRY,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_street_id CHECK (id <> ''),
CONSTRAINT ck_street_name CHECK (name <> ''),
CONSTRAINT ck_street_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
UNIQUE (name)
)

CREATE TABLE water (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT,
kind TEXT,
geom GEOMETRY NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_water_id CHECK (id <> ''),
CONSTRAINT ck_water_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE evacuation_route (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT NOT NULL,
shelter_id TEXT NOT NULL,
width_m DOUBLE,
geom GEOMETRY NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_evacuation_route_id CHECK (id <> ''),
CONSTRAINT ck_evacuation_route_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_evacuation_route_shelter_id_1 CHECK ("shelter_id" <> ''),
CONSTRAINT ck_evacuation_route_width_m_1 CHECK ("width_m" >= 0),
CONSTRAINT ck_evacuation_route_width_m_2 CHECK ("width_m" <= 1000),
CONSTRAINT ck_evacuation_route_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
FOREIGN KEY(shelter_id) REFERENCES shelter (id) ON UPDATE CASCADE
)

CREATE INDEX ix_evacuation_route_shelter_id ON evacuation_route (shelter_id)

CREATE TABLE lot (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
depot_id TEXT NOT NULL,
item_id TEXT NOT NULL,
lot TEXT NOT NULL,
on_hand_e3 INTEGER DEFAULT 0 NOT NULL,
unit TEXT,
reserved_e3 INTEGER DEFAULT 0 NOT NULL,
on_hold_e3 INTEGER DEFAULT 0 NOT NULL,
status TEXT DEFAULT 'usable' NOT NULL,
expires_on TEXT,
counted_utc TEXT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_lot_id CHECK (id <> ''),
CONSTRAINT ck_lot_depot_id_1 CHECK ("depot_id" <> ''),
CONSTRAINT ck_lot_item_id_1 CHECK ("item_id" <> ''),
CONSTRAINT ck_lot_lot_1 CHECK ("lot" <> ''),
CONSTRAINT ck_lot_on_hand_e3_1 CHECK ("on_hand_e3" >= 0),
CONSTRAINT ck_lot_on_hand_e3_2 CHECK ("on_hand_e3" <= 1000000000000),
CONSTRAINT ck_lot_reserved_e3_1 CHECK ("reserved_e3" >= 0),
CONSTRAINT ck_lot_reserved_e3_2 CHECK ("reserved_e3" <= 1000000000000),
CONSTRAINT ck_lot_on_hold_e3_1 CHECK ("on_hold_e3" >= 0),
CONSTRAINT ck_lot_on_hold_e3_2 CHECK ("on_hold_e3" <= 1000000000000),
CONSTRAINT ck_lot_status_1 CHECK ("status" IN ('usable', 'quarantined', 'recalled', 'damaged', 'expired')),
CONSTRAINT ck_lot_expires_on_1 CHECK ("expires_on" LIKE '____-__-__'),
CONSTRAINT ck_lot_counted_utc_1 CHECK ("counted_utc" LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_lot_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_lot_reserved_and_hold CHECK (reserved_e3 + on_hold_e3 <= on_hand_e3),
CONSTRAINT uq_lot_key UNIQUE (depot_id, item_id, lot),
UNIQUE (id),
FOREIGN KEY(depot_id) REFERENCES depot (id) ON UPDATE CASCADE,
FOREIGN KEY(item_id) REFERENCES item (id) ON UPDATE CASCADE
)

CREATE INDEX ix_lot_depot_id ON lot (depot_id)

CREATE INDEX ix_lot_item_id ON lot (item_id)

CREATE TABLE substance (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
enterprise_id TEXT NOT NULL,
cas TEXT,
name TEXT NOT NULL,
hazard_class TEXT,
quantity_t DOUBLE NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_substance_id CHECK (id <> ''),
CONSTRAINT ck_substance_enterprise_id_1 CHECK ("enterprise_id" <> ''),
CONSTRAINT ck_substance_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_substance_quantity_t_1 CHECK ("quantity_t" >= 0),
CONSTRAINT ck_substance_quantity_t_2 CHECK ("quantity_t" <= 1000000000),
CONSTRAINT ck_substance_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT uq_substance_key UNIQUE (enterprise_id, name),
UNIQUE (id),
FOREIGN KEY(enterprise_id) REFERENCES enterprise (id) ON UPDATE CASCADE
)

CREATE INDEX ix_substance_enterprise_id ON substance (enterprise_id)

CREATE TABLE team (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT NOT NULL,
type TEXT DEFAULT 'street' NOT NULL,
street TEXT,
skills TEXT,
turnout_s INTEGER,
duty TEXT DEFAULT '24h' NOT NULL,
address TEXT,
contact TEXT,
phone TEXT,
geom POINT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_team_id CHECK (id <> ''),
CONSTRAINT ck_team_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_team_type_1 CHECK ("type" IN ('fire', 'enterprise', 'street', 'social')),
CONSTRAINT ck_team_skills_1 CHECK (replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(';' || "skills" || ';', ';firefighting;', ';'), ';hazmat;', ';'), ';flood;', ';'), ';water_rescue;', ';'), ';collapse;', ';'), ';confined_space;', ';'), ';power_repair;', ';'), ';gas_repair;', ';'), ';medical;', ';'), ';communications;', ';'), ';road_clearing;', ';') = ';'),
CONSTRAINT ck_team_turnout_s_1 CHECK ("turnout_s" >= 0),
CONSTRAINT ck_team_turnout_s_2 CHECK ("turnout_s" <= 86400),
CONSTRAINT ck_team_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
FOREIGN KEY(street) REFERENCES street (name) ON UPDATE CASCADE
)

CREATE INDEX ix_team_street ON team (street)

CREATE TABLE village (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT NOT NULL,
street TEXT NOT NULL,
persons INTEGER NOT NULL,
persons_day INTEGER,
contact TEXT,
phone TEXT,
geom GEOMETRY NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_village_id CHECK (id <> ''),
CONSTRAINT ck_village_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_village_street_1 CHECK ("street" <> ''),
CONSTRAINT ck_village_persons_1 CHECK ("persons" >= 0),
CONSTRAINT ck_village_persons_2 CHECK ("persons" <= 1000000000),
CONSTRAINT ck_village_persons_day_1 CHECK ("persons_day" >= 0),
CONSTRAINT ck_village_persons_day_2 CHECK ("persons_day" <= 1000000000),
CONSTRAINT ck_village_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
FOREIGN KEY(street) REFERENCES street (name) ON UPDATE CASCADE
)

CREATE INDEX ix_village_street ON village (street)

CREATE TABLE movement (
seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT (lower(hex(randomblob(8)))) NOT NULL,
lot_id TEXT NOT NULL,
quantity_e3 INTEGER NOT NULL,
from_account TEXT NOT NULL,
to_account TEXT NOT NULL,
kind TEXT NOT NULL,
reason TEXT,
occurred_utc TEXT NOT NULL,
recorded_utc TEXT NOT NULL,
source TEXT NOT NULL,
import_run TEXT,
reverses TEXT,
CONSTRAINT ck_movement_id CHECK (id <> ''),
CONSTRAINT ck_movement_quantity_e3 CHECK (quantity_e3 > 0 AND quantity_e3 <= 1000000000000),
CONSTRAINT ck_movement_from_account CHECK (from_account IN ('opening', 'supplier', 'depot', 'reserved', 'hold', 'in_transit', 'incident', 'consumed', 'returned', 'written_off', 'count_difference')),
CONSTRAINT ck_movement_to_account CHECK (to_account IN ('opening', 'supplier', 'depot', 'reserved', 'hold', 'in_transit', 'incident', 'consumed', 'returned', 'written_off', 'count_difference')),
CONSTRAINT ck_movement_accounts_differ CHECK (from_account <> to_account),
CONSTRAINT ck_movement_kind CHECK (kind IN ('opening', 'count_difference', 'reserve', 'release', 'hold', 'unhold', 'receipt', 'issue', 'delivery', 'use', 'return', 'restock', 'write_off', 'reversal')),
CONSTRAINT ck_movement_reverses CHECK ((kind = 'reversal') = (reverses IS NOT NULL)),
CONSTRAINT ck_movement_occurred_utc CHECK (occurred_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_movement_recorded_utc CHECK (recorded_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
FOREIGN KEY(lot_id) REFERENCES lot (id),
FOREIGN KEY(import_run) REFERENCES import_run (id),
UNIQUE (reverses),
FOREIGN KEY(reverses) REFERENCES movement (id)
)

CREATE INDEX ix_movement_lot_id ON movement (lot_id)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('boundary', 'features', 'boundary', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('boundary', 'geom', 'GEOMETRY', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('cell', 'features', 'cell', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('cell', 'geom', 'POINT', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('change', 'attributes', 'change', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('closure', 'features', 'closure', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('closure', 'geom', 'GEOMETRY', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('depot', 'features', 'depot', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('depot', 'geom', 'POINT', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('district', 'attributes', 'district', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('enterprise', 'features', 'enterprise', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('enterprise', 'geom', 'POINT', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('hospital', 'features', 'hospital', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('hospital', 'geom', 'POINT', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('import_run', 'attributes', 'import_run', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('item', 'attributes', 'item', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('road', 'features', 'road', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('road', 'geom', 'GEOMETRY', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('shelter', 'features', 'shelter', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('shelter', 'geom', 'POINT', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('street', 'features', 'street', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('street', 'geom', 'GEOMETRY', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('water', 'features', 'water', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('water', 'geom', 'GEOMETRY', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('evacuation_route', 'features', 'evacuation_route', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('evacuation_route', 'geom', 'GEOMETRY', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('lot', 'attributes', 'lot', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('substance', 'attributes', 'substance', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('team', 'features', 'team', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('team', 'geom', 'POINT', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('village', 'features', 'village', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('village', 'geom', 'GEOMETRY', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('movement', 'attributes', 'movement', NULL)

CREATE TRIGGER change_boundary_insert AFTER INSERT ON boundary WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('boundary', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_boundary_delete AFTER DELETE ON boundary BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('boundary', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_boundary_rename AFTER UPDATE OF id ON boundary
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('boundary', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_boundary_update AFTER UPDATE ON boundary WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('boundary', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE boundary SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_boundary_finish AFTER INSERT ON boundary WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE boundary SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'boundary', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM boundary WHERE fid = NEW.fid;
END

CREATE TRIGGER change_cell_insert AFTER INSERT ON cell WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('cell', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_cell_delete AFTER DELETE ON cell BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('cell', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_cell_rename AFTER UPDATE OF id ON cell
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('cell', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_cell_update AFTER UPDATE ON cell WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('cell', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE cell SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_cell_finish AFTER INSERT ON cell WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE cell SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'cell', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM cell WHERE fid = NEW.fid;
END

CREATE TRIGGER change_closure_insert AFTER INSERT ON closure WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('closure', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_closure_delete AFTER DELETE ON closure BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('closure', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_closure_rename AFTER UPDATE OF id ON closure
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('closure', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_closure_update AFTER UPDATE ON closure WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('closure', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE closure SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_closure_finish AFTER INSERT ON closure WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE closure SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'closure', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM closure WHERE fid = NEW.fid;
END

CREATE TRIGGER change_depot_insert AFTER INSERT ON depot WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('depot', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_depot_delete AFTER DELETE ON depot BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('depot', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_depot_rename AFTER UPDATE OF id ON depot
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('depot', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_depot_update AFTER UPDATE ON depot WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('depot', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE depot SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_depot_finish AFTER INSERT ON depot WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE depot SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'depot', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM depot WHERE fid = NEW.fid;
END

CREATE TRIGGER change_district_insert AFTER INSERT ON district WHEN NOT (NEW.id = '(auto)') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('district', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_district_delete AFTER DELETE ON district BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('district', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_district_rename AFTER UPDATE OF id ON district
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('district', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_district_update AFTER UPDATE ON district WHEN NOT (OLD.id = '(auto)') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('district', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_district_finish AFTER INSERT ON district WHEN NEW.id = '(auto)' BEGIN
UPDATE district SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'district', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM district WHERE fid = NEW.fid;
END

CREATE TRIGGER change_enterprise_insert AFTER INSERT ON enterprise WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('enterprise', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_enterprise_delete AFTER DELETE ON enterprise BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('enterprise', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_enterprise_rename AFTER UPDATE OF id ON enterprise
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('enterprise', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_enterprise_update AFTER UPDATE ON enterprise WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('enterprise', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE enterprise SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_enterprise_finish AFTER INSERT ON enterprise WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE enterprise SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'enterprise', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM enterprise WHERE fid = NEW.fid;
END

CREATE TRIGGER change_hospital_insert AFTER INSERT ON hospital WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('hospital', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_hospital_delete AFTER DELETE ON hospital BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('hospital', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_hospital_rename AFTER UPDATE OF id ON hospital
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('hospital', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_hospital_update AFTER UPDATE ON hospital WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('hospital', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE hospital SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_hospital_finish AFTER INSERT ON hospital WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE hospital SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'hospital', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM hospital WHERE fid = NEW.fid;
END

CREATE TRIGGER change_import_run_insert AFTER INSERT ON import_run WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('import_run', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_import_run_delete AFTER DELETE ON import_run BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('import_run', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_import_run_rename AFTER UPDATE OF id ON import_run
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('import_run', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_import_run_update AFTER UPDATE ON import_run WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('import_run', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE import_run SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_import_run_finish AFTER INSERT ON import_run WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE import_run SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'import_run', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM import_run WHERE fid = NEW.fid;
END

CREATE TRIGGER change_item_insert AFTER INSERT ON item WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('item', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_item_delete AFTER DELETE ON item BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('item', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_item_rename AFTER UPDATE OF id ON item
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('item', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_item_update AFTER UPDATE ON item WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('item', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE item SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_item_finish AFTER INSERT ON item WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE item SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'item', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM item WHERE fid = NEW.fid;
END

CREATE TRIGGER change_road_insert AFTER INSERT ON road WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('road', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_road_delete AFTER DELETE ON road BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('road', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_road_rename AFTER UPDATE OF id ON road
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('road', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_road_update AFTER UPDATE ON road WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('road', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE road SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_road_finish AFTER INSERT ON road WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE road SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'road', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM road WHERE fid = NEW.fid;
END

CREATE TRIGGER change_shelter_insert AFTER INSERT ON shelter WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('shelter', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_shelter_delete AFTER DELETE ON shelter BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('shelter', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_shelter_rename AFTER UPDATE OF id ON shelter
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('shelter', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_shelter_update AFTER UPDATE ON shelter WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('shelter', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE shelter SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_shelter_finish AFTER INSERT ON shelter WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE shelter SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'shelter', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM shelter WHERE fid = NEW.fid;
END

CREATE TRIGGER change_street_insert AFTER INSERT ON street WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('street', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_street_delete AFTER DELETE ON street BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('street', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_street_rename AFTER UPDATE OF id ON street
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('street', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_street_update AFTER UPDATE ON street WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('street', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE street SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_street_finish AFTER INSERT ON street WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE street SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'street', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM street WHERE fid = NEW.fid;
END

CREATE TRIGGER change_water_insert AFTER INSERT ON water WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('water', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_water_delete AFTER DELETE ON water BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('water', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_water_rename AFTER UPDATE OF id ON water
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('water', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_water_update AFTER UPDATE ON water WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('water', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE water SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_water_finish AFTER INSERT ON water WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE water SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'water', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM water WHERE fid = NEW.fid;
END

CREATE TRIGGER change_evacuation_route_insert AFTER INSERT ON evacuation_route WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('evacuation_route', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_evacuation_route_delete AFTER DELETE ON evacuation_route BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('evacuation_route', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_evacuation_route_rename AFTER UPDATE OF id ON evacuation_route
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('evacuation_route', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_evacuation_route_update AFTER UPDATE ON evacuation_route WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('evacuation_route', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE evacuation_route SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_evacuation_route_finish AFTER INSERT ON evacuation_route WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE evacuation_route SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'evacuation_route', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM evacuation_route WHERE fid = NEW.fid;
END

CREATE TRIGGER change_lot_insert AFTER INSERT ON lot WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('lot', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_lot_delete AFTER DELETE ON lot BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('lot', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_lot_rename AFTER UPDATE OF id ON lot
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('lot', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_lot_update AFTER UPDATE ON lot WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('lot', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE lot SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z') AND on_hand_e3 = OLD.on_hand_e3 AND reserved_e3 = OLD.reserved_e3 AND on_hold_e3 = OLD.on_hold_e3;
END

CREATE TRIGGER change_lot_finish AFTER INSERT ON lot WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE lot SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'lot', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM lot WHERE fid = NEW.fid;
END

CREATE TRIGGER change_substance_insert AFTER INSERT ON substance WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('substance', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_substance_delete AFTER DELETE ON substance BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('substance', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_substance_rename AFTER UPDATE OF id ON substance
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('substance', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_substance_update AFTER UPDATE ON substance WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('substance', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE substance SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_substance_finish AFTER INSERT ON substance WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE substance SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'substance', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM substance WHERE fid = NEW.fid;
END

CREATE TRIGGER change_team_insert AFTER INSERT ON team WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('team', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_team_delete AFTER DELETE ON team BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('team', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_team_rename AFTER UPDATE OF id ON team
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('team', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_team_update AFTER UPDATE ON team WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('team', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE team SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_team_finish AFTER INSERT ON team WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE team SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'team', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM team WHERE fid = NEW.fid;
END

CREATE TRIGGER change_village_insert AFTER INSERT ON village WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('village', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_village_delete AFTER DELETE ON village BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('village', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_village_rename AFTER UPDATE OF id ON village
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('village', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_village_update AFTER UPDATE ON village WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('village', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE village SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_village_finish AFTER INSERT ON village WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE village SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'village', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM village WHERE fid = NEW.fid;
END

CREATE TRIGGER change_movement_insert AFTER INSERT ON movement WHEN NOT (0) BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('movement', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_movement_delete AFTER DELETE ON movement BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('movement', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_movement_rename AFTER UPDATE OF id ON movement
WHEN OLD.id <> NEW.id AND NOT (0) BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('movement', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_movement_update AFTER UPDATE ON movement WHEN NOT (0) BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('movement', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_no_update BEFORE UPDATE ON change BEGIN
SELECT RAISE(ABORT, 'change is append-only');
END

CREATE TRIGGER change_no_delete BEFORE DELETE ON change BEGIN
SELECT RAISE(ABORT, 'change is append-only');
END

CREATE TRIGGER change_no_replace BEFORE INSERT ON change
WHEN EXISTS (SELECT 1 FROM change WHERE seq = NEW.seq) BEGIN
SELECT RAISE(ABORT, 'change is append-only');
END

CREATE TRIGGER movement_no_update BEFORE UPDATE ON movement BEGIN
SELECT RAISE(ABORT, 'movement is append-only');
END

CREATE TRIGGER movement_no_delete BEFORE DELETE ON movement BEGIN
SELECT RAISE(ABORT, 'movement is append-only');
END

CREATE TRIGGER movement_no_replace BEFORE INSERT ON movement
WHEN EXISTS (SELECT 1 FROM movement WHERE seq = NEW.seq) BEGIN
SELECT RAISE(ABORT, 'movement is append-only');
END

CREATE TRIGGER movement_one_id BEFORE INSERT ON movement
WHEN EXISTS (SELECT 1 FROM movement WHERE id = NEW.id OR reverses = NEW.reverses) BEGIN
SELECT RAISE(ABORT, 'UNIQUE constraint failed: movement.id or movement.reverses');
END

CREATE TRIGGER movement_balances AFTER INSERT ON movement BEGIN
UPDATE lot SET on_hand_e3 = on_hand_e3 + NEW.quantity_e3 * (CASE WHEN NEW.to_account IN ('depot', 'reserved', 'hold') THEN 1 ELSE 0 END - CASE WHEN NEW.from_account IN ('depot', 'reserved', 'hold') THEN 1 ELSE 0 END),
reserved_e3 = reserved_e3 + NEW.quantity_e3 * (CASE WHEN NEW.to_account IN ('reserved') THEN 1 ELSE 0 END - CASE WHEN NEW.from_account IN ('reserved') THEN 1 ELSE 0 END),
on_hold_e3 = on_hold_e3 + NEW.quantity_e3 * (CASE WHEN NEW.to_account IN ('hold') THEN 1 ELSE 0 END - CASE WHEN NEW.from_account IN ('hold') THEN 1 ELSE 0 END),
updated_utc = NEW.recorded_utc
WHERE id = NEW.lot_id;
END
