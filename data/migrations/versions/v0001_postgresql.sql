CREATE EXTENSION IF NOT EXISTS postgis

CREATE TABLE boundary (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT,
geom geometry(GEOMETRY,4326) NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_boundary_id CHECK (id <> ''),
CONSTRAINT ck_boundary_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE INDEX ix_boundary_geom ON boundary USING gist (geom)

CREATE TABLE cell (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
persons BIGINT NOT NULL,
geom geometry(POINT,4326) NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_cell_id CHECK (id <> ''),
CONSTRAINT ck_cell_persons_1 CHECK ("persons" >= 0),
CONSTRAINT ck_cell_persons_2 CHECK ("persons" <= 1000000000),
CONSTRAINT ck_cell_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE INDEX ix_cell_geom ON cell USING gist (geom)

CREATE TABLE change (
seq BIGSERIAL NOT NULL,
"table" TEXT NOT NULL,
id TEXT NOT NULL,
operation TEXT NOT NULL,
utc TEXT NOT NULL,
PRIMARY KEY (seq),
CONSTRAINT ck_change_operation CHECK (operation IN ('insert', 'update', 'delete'))
)

CREATE TABLE closure (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
reason TEXT NOT NULL,
from_utc TEXT,
to_utc TEXT,
factor DOUBLE PRECISION DEFAULT 0 NOT NULL,
geom geometry(GEOMETRY,4326) NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_closure_id CHECK (id <> ''),
CONSTRAINT ck_closure_reason_1 CHECK ("reason" <> ''),
CONSTRAINT ck_closure_from_utc_1 CHECK ("from_utc" LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_closure_to_utc_1 CHECK ("to_utc" LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_closure_factor_1 CHECK ("factor" >= 0),
CONSTRAINT ck_closure_factor_2 CHECK ("factor" <= 1),
CONSTRAINT ck_closure_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE INDEX ix_closure_geom ON closure USING gist (geom)

CREATE TABLE depot (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT NOT NULL,
level TEXT NOT NULL,
volume_m3 DOUBLE PRECISION,
address TEXT,
contact TEXT,
phone TEXT,
geom geometry(POINT,4326),
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_depot_id CHECK (id <> ''),
CONSTRAINT ck_depot_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_depot_level_1 CHECK ("level" IN ('community', 'street', 'district', 'city')),
CONSTRAINT ck_depot_volume_m3_1 CHECK ("volume_m3" >= 0),
CONSTRAINT ck_depot_volume_m3_2 CHECK ("volume_m3" <= 1000000000),
CONSTRAINT ck_depot_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE INDEX ix_depot_geom ON depot USING gist (geom)

CREATE TABLE district (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT NOT NULL,
epsg INTEGER NOT NULL,
timezone TEXT NOT NULL,
demo INTEGER DEFAULT 0 NOT NULL,
created_utc TEXT NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_district_id CHECK (id <> ''),
CONSTRAINT ck_district_one_row CHECK (fid = 1),
CONSTRAINT ck_district_demo CHECK (demo IN (0, 1)),
UNIQUE (id)
)

CREATE TABLE enterprise (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT NOT NULL,
categories TEXT,
risk_level TEXT,
workers_on_shift BIGINT,
substances TEXT,
address TEXT,
contact TEXT,
phone TEXT,
geom geometry(POINT,4326),
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_enterprise_id CHECK (id <> ''),
CONSTRAINT ck_enterprise_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_enterprise_categories_1 CHECK (replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(';' || "categories" || ';', ';hazardous_chemicals;', ';'), ';ammonia_refrigeration;', ';'), ';combustible_dust;', ';'), ';aluminium_casting;', ';'), ';induction_furnace;', ';'), ';confined_space;', ';'), ';explosive_workplace;', ';'), ';rented_factory;', ';'), ';energy_storage;', ';'), ';private_cinema;', ';'), ';gas_user;', ';'), ';fireworks_wholesale;', ';'), ';other_industry;', ';') = ';'),
CONSTRAINT ck_enterprise_risk_level_1 CHECK ("risk_level" IN ('major', 'considerable', 'general', 'low')),
CONSTRAINT ck_enterprise_workers_on_shift_1 CHECK ("workers_on_shift" >= 0),
CONSTRAINT ck_enterprise_workers_on_shift_2 CHECK ("workers_on_shift" <= 1000000),
CONSTRAINT ck_enterprise_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE INDEX ix_enterprise_geom ON enterprise USING gist (geom)

CREATE TABLE hospital (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT NOT NULL,
beds BIGINT,
address TEXT,
contact TEXT,
phone TEXT,
geom geometry(POINT,4326),
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_hospital_id CHECK (id <> ''),
CONSTRAINT ck_hospital_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_hospital_beds_1 CHECK ("beds" >= 0),
CONSTRAINT ck_hospital_beds_2 CHECK ("beds" <= 1000000),
CONSTRAINT ck_hospital_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE INDEX ix_hospital_geom ON hospital USING gist (geom)

CREATE TABLE import_run (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
kind TEXT NOT NULL,
file TEXT,
sha256 TEXT,
rows BIGINT DEFAULT 0 NOT NULL,
inserted BIGINT DEFAULT 0 NOT NULL,
updated BIGINT DEFAULT 0 NOT NULL,
unchanged BIGINT DEFAULT 0 NOT NULL,
deleted BIGINT DEFAULT 0 NOT NULL,
unplaced BIGINT DEFAULT 0 NOT NULL,
notices TEXT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_import_run_id CHECK (id <> ''),
CONSTRAINT ck_import_run_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE item (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT NOT NULL,
unit TEXT NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_item_id CHECK (id <> ''),
CONSTRAINT ck_item_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_item_unit_1 CHECK ("unit" <> ''),
CONSTRAINT ck_item_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE road (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
highway TEXT NOT NULL,
maxspeed DOUBLE PRECISION,
oneway TEXT,
bridge INTEGER,
tunnel INTEGER,
layer BIGINT,
name TEXT,
geom geometry(GEOMETRY,4326) NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
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

CREATE INDEX ix_road_geom ON road USING gist (geom)

CREATE TABLE shelter (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT NOT NULL,
class TEXT,
area_m2 DOUBLE PRECISION,
effective_area_m2 DOUBLE PRECISION,
capacity BIGINT,
stay TEXT,
indoor INTEGER,
address TEXT,
contact TEXT,
phone TEXT,
geom geometry(POINT,4326),
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
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

CREATE INDEX ix_shelter_geom ON shelter USING gist (geom)

CREATE TABLE street (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT NOT NULL,
geom geometry(GEOMETRY,4326),
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_street_id CHECK (id <> ''),
CONSTRAINT ck_street_name CHECK (name <> ''),
CONSTRAINT ck_street_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
UNIQUE (name)
)

CREATE INDEX ix_street_geom ON street USING gist (geom)

CREATE TABLE water (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT,
kind TEXT,
geom geometry(GEOMETRY,4326) NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_water_id CHECK (id <> ''),
CONSTRAINT ck_water_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE INDEX ix_water_geom ON water USING gist (geom)

CREATE TABLE evacuation_route (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT NOT NULL,
shelter_id TEXT NOT NULL,
width_m DOUBLE PRECISION,
geom geometry(GEOMETRY,4326) NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
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

CREATE INDEX ix_evacuation_route_geom ON evacuation_route USING gist (geom)

CREATE TABLE lot (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
depot_id TEXT NOT NULL,
item_id TEXT NOT NULL,
lot TEXT NOT NULL,
on_hand_e3 BIGINT DEFAULT 0 NOT NULL,
unit TEXT,
reserved_e3 BIGINT DEFAULT 0 NOT NULL,
on_hold_e3 BIGINT DEFAULT 0 NOT NULL,
status TEXT DEFAULT 'usable' NOT NULL,
expires_on TEXT,
counted_utc TEXT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
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
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
enterprise_id TEXT NOT NULL,
cas TEXT,
name TEXT NOT NULL,
hazard_class TEXT,
quantity_t DOUBLE PRECISION NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
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
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT NOT NULL,
type TEXT DEFAULT 'street' NOT NULL,
street TEXT,
skills TEXT,
turnout_s BIGINT,
duty TEXT DEFAULT '24h' NOT NULL,
address TEXT,
contact TEXT,
phone TEXT,
geom geometry(POINT,4326),
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
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

CREATE INDEX ix_team_geom ON team USING gist (geom)

CREATE TABLE village (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT NOT NULL,
street TEXT NOT NULL,
persons BIGINT NOT NULL,
persons_day BIGINT,
contact TEXT,
phone TEXT,
geom geometry(GEOMETRY,4326) NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
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

CREATE INDEX ix_village_geom ON village USING gist (geom)

CREATE TABLE movement (
seq BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
lot_id TEXT NOT NULL,
quantity_e3 BIGINT NOT NULL,
from_account TEXT NOT NULL,
to_account TEXT NOT NULL,
kind TEXT NOT NULL,
reason TEXT,
occurred_utc TEXT NOT NULL,
recorded_utc TEXT NOT NULL,
source TEXT NOT NULL,
import_run TEXT,
reverses TEXT,
PRIMARY KEY (seq),
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

CREATE FUNCTION onemap_log_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
PERFORM pg_advisory_xact_lock(1196444487);
IF TG_OP = 'DELETE' THEN
INSERT INTO change ("table", id, operation, utc) VALUES (TG_TABLE_NAME, OLD.id, 'delete', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'));
RETURN OLD;
ELSIF TG_OP = 'UPDATE' AND OLD.id <> NEW.id THEN
INSERT INTO change ("table", id, operation, utc) VALUES (TG_TABLE_NAME, OLD.id, 'delete', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'));
INSERT INTO change ("table", id, operation, utc) VALUES (TG_TABLE_NAME, NEW.id, 'insert', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'));
ELSE
INSERT INTO change ("table", id, operation, utc) VALUES (TG_TABLE_NAME, NEW.id, lower(TG_OP), to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'));
END IF;
RETURN NEW;
END $$

CREATE FUNCTION onemap_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
IF NEW.updated_utc LIKE '%=Z' THEN NEW.updated_utc := replace(NEW.updated_utc, '=Z', 'Z');
ELSIF NEW.updated_utc = OLD.updated_utc THEN NEW.updated_utc := to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
END IF;
RETURN NEW;
END $$

CREATE FUNCTION onemap_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$

CREATE FUNCTION onemap_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
UPDATE lot SET on_hand_e3 = on_hand_e3 + NEW.quantity_e3 * (CASE WHEN NEW.to_account IN ('depot', 'reserved', 'hold') THEN 1 ELSE 0 END - CASE WHEN NEW.from_account IN ('depot', 'reserved', 'hold') THEN 1 ELSE 0 END),
reserved_e3 = reserved_e3 + NEW.quantity_e3 * (CASE WHEN NEW.to_account IN ('reserved') THEN 1 ELSE 0 END - CASE WHEN NEW.from_account IN ('reserved') THEN 1 ELSE 0 END),
on_hold_e3 = on_hold_e3 + NEW.quantity_e3 * (CASE WHEN NEW.to_account IN ('hold') THEN 1 ELSE 0 END - CASE WHEN NEW.from_account IN ('hold') THEN 1 ELSE 0 END),
updated_utc = replace(NEW.recorded_utc, 'Z', '=Z')
WHERE id = NEW.lot_id;
RETURN NEW;
END $$

CREATE TRIGGER change_boundary AFTER INSERT OR UPDATE OR DELETE ON boundary
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_boundary BEFORE UPDATE ON boundary
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_cell AFTER INSERT OR UPDATE OR DELETE ON cell
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_cell BEFORE UPDATE ON cell
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_closure AFTER INSERT OR UPDATE OR DELETE ON closure
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_closure BEFORE UPDATE ON closure
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_depot AFTER INSERT OR UPDATE OR DELETE ON depot
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_depot BEFORE UPDATE ON depot
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_district AFTER INSERT OR UPDATE OR DELETE ON district
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER change_enterprise AFTER INSERT OR UPDATE OR DELETE ON enterprise
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_enterprise BEFORE UPDATE ON enterprise
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_hospital AFTER INSERT OR UPDATE OR DELETE ON hospital
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_hospital BEFORE UPDATE ON hospital
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_import_run AFTER INSERT OR UPDATE OR DELETE ON import_run
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_import_run BEFORE UPDATE ON import_run
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_item AFTER INSERT OR UPDATE OR DELETE ON item
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_item BEFORE UPDATE ON item
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_road AFTER INSERT OR UPDATE OR DELETE ON road
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_road BEFORE UPDATE ON road
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_shelter AFTER INSERT OR UPDATE OR DELETE ON shelter
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_shelter BEFORE UPDATE ON shelter
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_street AFTER INSERT OR UPDATE OR DELETE ON street
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_street BEFORE UPDATE ON street
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_water AFTER INSERT OR UPDATE OR DELETE ON water
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_water BEFORE UPDATE ON water
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_evacuation_route AFTER INSERT OR UPDATE OR DELETE ON evacuation_route
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_evacuation_route BEFORE UPDATE ON evacuation_route
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_lot AFTER INSERT OR UPDATE OR DELETE ON lot
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_lot BEFORE UPDATE ON lot
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_substance AFTER INSERT OR UPDATE OR DELETE ON substance
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_substance BEFORE UPDATE ON substance
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_team AFTER INSERT OR UPDATE OR DELETE ON team
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_team BEFORE UPDATE ON team
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_village AFTER INSERT OR UPDATE OR DELETE ON village
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_village BEFORE UPDATE ON village
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_movement AFTER INSERT OR UPDATE OR DELETE ON movement
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER change_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON change
FOR EACH STATEMENT EXECUTE FUNCTION onemap_append_only()

CREATE TRIGGER movement_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON movement
FOR EACH STATEMENT EXECUTE FUNCTION onemap_append_only()

CREATE TRIGGER movement_balances AFTER INSERT ON movement
FOR EACH ROW EXECUTE FUNCTION onemap_balances()
