ALTER TABLE village ADD COLUMN persons_0_14 INTEGER
CONSTRAINT ck_village_persons_0_14_1 CHECK ("persons_0_14" >= 0)
CONSTRAINT ck_village_persons_0_14_2 CHECK ("persons_0_14" <= 1000000000)

ALTER TABLE village ADD COLUMN persons_65_over INTEGER
CONSTRAINT ck_village_persons_65_over_1 CHECK ("persons_65_over" >= 0)
CONSTRAINT ck_village_persons_65_over_2 CHECK ("persons_65_over" <= 1000000000)

ALTER TABLE village ADD COLUMN gdp_wan DOUBLE
CONSTRAINT ck_village_gdp_wan_1 CHECK ("gdp_wan" >= 0)
CONSTRAINT ck_village_gdp_wan_2 CHECK ("gdp_wan" <= 1000000000)

ALTER TABLE enterprise ADD COLUMN fire_class TEXT
CONSTRAINT ck_enterprise_fire_class_1 CHECK ("fire_class" IN ('A', 'B', 'C', 'D', 'E'))

CREATE TABLE building (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT,
use TEXT,
storeys INTEGER,
structure TEXT,
year_built INTEGER,
floor_area_m2 DOUBLE,
residents INTEGER,
geom GEOMETRY NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_building_id CHECK (id <> ''),
CONSTRAINT ck_building_use_1 CHECK ("use" IN ('residential', 'office', 'commercial', 'school', 'hospital', 'factory', 'warehouse', 'other')),
CONSTRAINT ck_building_storeys_1 CHECK ("storeys" >= 0),
CONSTRAINT ck_building_storeys_2 CHECK ("storeys" <= 200),
CONSTRAINT ck_building_structure_1 CHECK ("structure" IN ('steel_concrete', 'mixed', 'brick_wood', 'other')),
CONSTRAINT ck_building_year_built_1 CHECK ("year_built" >= 1000),
CONSTRAINT ck_building_year_built_2 CHECK ("year_built" <= 2200),
CONSTRAINT ck_building_floor_area_m2_1 CHECK ("floor_area_m2" >= 0),
CONSTRAINT ck_building_floor_area_m2_2 CHECK ("floor_area_m2" <= 1000000000),
CONSTRAINT ck_building_residents_1 CHECK ("residents" >= 0),
CONSTRAINT ck_building_residents_2 CHECK ("residents" <= 1000000000),
CONSTRAINT ck_building_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE hazard_area (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT NOT NULL,
hazard TEXT NOT NULL,
kind TEXT DEFAULT 'zone' NOT NULL,
level INTEGER,
value DOUBLE,
unit TEXT,
geom GEOMETRY NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_hazard_area_id CHECK (id <> ''),
CONSTRAINT ck_hazard_area_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_hazard_area_hazard_1 CHECK ("hazard" IN ('waterlogging', 'typhoon', 'storm_surge', 'convection', 'earthquake', 'geological', 'fire', 'other')),
CONSTRAINT ck_hazard_area_kind_1 CHECK ("kind" IN ('zone', 'unprotected_bank', 'subsidence', 'site_class', 'intensity', 'underpass', 'inundation', 'other')),
CONSTRAINT ck_hazard_area_level_1 CHECK ("level" >= 1),
CONSTRAINT ck_hazard_area_level_2 CHECK ("level" <= 5),
CONSTRAINT ck_hazard_area_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE hidden_danger (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT NOT NULL,
hazard TEXT NOT NULL,
impact_radius_m DOUBLE,
reported_on TEXT,
state TEXT DEFAULT 'open' NOT NULL,
geom POINT NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_hidden_danger_id CHECK (id <> ''),
CONSTRAINT ck_hidden_danger_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_hidden_danger_hazard_1 CHECK ("hazard" IN ('waterlogging', 'typhoon', 'storm_surge', 'convection', 'earthquake', 'geological', 'fire', 'other')),
CONSTRAINT ck_hidden_danger_impact_radius_m_1 CHECK ("impact_radius_m" >= 0),
CONSTRAINT ck_hidden_danger_impact_radius_m_2 CHECK ("impact_radius_m" <= 100000),
CONSTRAINT ck_hidden_danger_reported_on_1 CHECK ("reported_on" LIKE '____-__-__'),
CONSTRAINT ck_hidden_danger_state_1 CHECK ("state" IN ('open', 'closed')),
CONSTRAINT ck_hidden_danger_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE lifeline (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT NOT NULL,
type TEXT NOT NULL,
capacity DOUBLE,
capacity_unit TEXT,
geom GEOMETRY NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_lifeline_id CHECK (id <> ''),
CONSTRAINT ck_lifeline_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_lifeline_type_1 CHECK ("type" IN ('pumping_station', 'substation', 'water_works', 'gas_station', 'telecom', 'bridge', 'school', 'other')),
CONSTRAINT ck_lifeline_capacity_1 CHECK ("capacity" >= 0),
CONSTRAINT ck_lifeline_capacity_2 CHECK ("capacity" <= 1000000000),
CONSTRAINT ck_lifeline_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE parameter (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
version TEXT NOT NULL,
code TEXT NOT NULL,
value DOUBLE NOT NULL,
unit TEXT,
provenance TEXT NOT NULL,
reference TEXT,
effective_from TEXT NOT NULL,
effective_to TEXT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_parameter_id CHECK (id <> ''),
CONSTRAINT ck_parameter_version_1 CHECK ("version" <> ''),
CONSTRAINT ck_parameter_code_1 CHECK ("code" <> ''),
CONSTRAINT ck_parameter_provenance_1 CHECK ("provenance" IN ('standard', 'cited', 'computed', 'remembered', 'proposed', 'decided')),
CONSTRAINT ck_parameter_effective_from_1 CHECK ("effective_from" LIKE '____-__-__'),
CONSTRAINT ck_parameter_effective_to_1 CHECK ("effective_to" LIKE '____-__-__'),
CONSTRAINT ck_parameter_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT uq_parameter_key UNIQUE (version, code, effective_from),
UNIQUE (id)
)

CREATE TABLE raster (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
code TEXT NOT NULL,
title TEXT NOT NULL,
quantity TEXT NOT NULL,
unit TEXT,
vertical_datum TEXT NOT NULL,
epsg INTEGER NOT NULL,
rows INTEGER NOT NULL,
cols INTEGER NOT NULL,
"left" DOUBLE NOT NULL,
top DOUBLE NOT NULL,
dx DOUBLE NOT NULL,
dy DOUBLE NOT NULL,
sha256 TEXT NOT NULL,
file TEXT NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_raster_id CHECK (id <> ''),
CONSTRAINT ck_raster_code_1 CHECK ("code" <> ''),
CONSTRAINT ck_raster_title_1 CHECK ("title" <> ''),
CONSTRAINT ck_raster_quantity_1 CHECK ("quantity" <> ''),
CONSTRAINT ck_raster_vertical_datum_1 CHECK ("vertical_datum" IN ('none', 'wusong', 'cgvd1985', 'other')),
CONSTRAINT ck_raster_epsg_1 CHECK ("epsg" >= 1024),
CONSTRAINT ck_raster_epsg_2 CHECK ("epsg" <= 998999),
CONSTRAINT ck_raster_rows_1 CHECK ("rows" >= 1),
CONSTRAINT ck_raster_rows_2 CHECK ("rows" <= 1000000000),
CONSTRAINT ck_raster_cols_1 CHECK ("cols" >= 1),
CONSTRAINT ck_raster_cols_2 CHECK ("cols" <= 1000000000),
CONSTRAINT ck_raster_sha256_1 CHECK ("sha256" <> ''),
CONSTRAINT ck_raster_file_1 CHECK ("file" <> ''),
CONSTRAINT ck_raster_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE storm_track (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
storm_id TEXT NOT NULL,
name TEXT,
time_utc TEXT NOT NULL,
wind_m_s DOUBLE,
pressure_hpa DOUBLE,
radius_km DOUBLE,
geom POINT NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_storm_track_id CHECK (id <> ''),
CONSTRAINT ck_storm_track_storm_id_1 CHECK ("storm_id" <> ''),
CONSTRAINT ck_storm_track_time_utc_1 CHECK ("time_utc" LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_storm_track_wind_m_s_1 CHECK ("wind_m_s" >= 0),
CONSTRAINT ck_storm_track_wind_m_s_2 CHECK ("wind_m_s" <= 150),
CONSTRAINT ck_storm_track_pressure_hpa_1 CHECK ("pressure_hpa" >= 800),
CONSTRAINT ck_storm_track_pressure_hpa_2 CHECK ("pressure_hpa" <= 1100),
CONSTRAINT ck_storm_track_radius_km_1 CHECK ("radius_km" >= 0),
CONSTRAINT ck_storm_track_radius_km_2 CHECK ("radius_km" <= 2000),
CONSTRAINT ck_storm_track_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT uq_storm_track_key UNIQUE (storm_id, time_utc),
UNIQUE (id)
)

CREATE TABLE waterlogging_spot (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT NOT NULL,
depth_m DOUBLE,
flooded_on TEXT,
cause TEXT,
persons INTEGER,
geom POINT NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_waterlogging_spot_id CHECK (id <> ''),
CONSTRAINT ck_waterlogging_spot_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_waterlogging_spot_depth_m_1 CHECK ("depth_m" >= 0),
CONSTRAINT ck_waterlogging_spot_depth_m_2 CHECK ("depth_m" <= 10),
CONSTRAINT ck_waterlogging_spot_flooded_on_1 CHECK ("flooded_on" LIKE '____-__-__'),
CONSTRAINT ck_waterlogging_spot_persons_1 CHECK ("persons" >= 0),
CONSTRAINT ck_waterlogging_spot_persons_2 CHECK ("persons" <= 1000000000),
CONSTRAINT ck_waterlogging_spot_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE zoning_correction (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
scheme TEXT NOT NULL,
unit TEXT NOT NULL,
level INTEGER NOT NULL,
reason TEXT NOT NULL,
author TEXT,
decided_on TEXT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_zoning_correction_id CHECK (id <> ''),
CONSTRAINT ck_zoning_correction_scheme_1 CHECK ("scheme" <> ''),
CONSTRAINT ck_zoning_correction_unit_1 CHECK ("unit" <> ''),
CONSTRAINT ck_zoning_correction_level_1 CHECK ("level" >= 1),
CONSTRAINT ck_zoning_correction_level_2 CHECK ("level" <= 5),
CONSTRAINT ck_zoning_correction_reason_1 CHECK ("reason" <> ''),
CONSTRAINT ck_zoning_correction_decided_on_1 CHECK ("decided_on" LIKE '____-__-__'),
CONSTRAINT ck_zoning_correction_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT uq_zoning_correction_key UNIQUE (scheme, unit),
UNIQUE (id)
)

CREATE TABLE capacity (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
street TEXT NOT NULL,
year INTEGER NOT NULL,
staff INTEGER,
risk_assessed INTEGER,
funds_wan DOUBLE,
supplies_wan DOUBLE,
beds INTEGER,
firefighters INTEGER,
volunteers INTEGER,
militia INTEGER,
drill_persons INTEGER,
shelter_places INTEGER,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
CONSTRAINT ck_capacity_id CHECK (id <> ''),
CONSTRAINT ck_capacity_street_1 CHECK ("street" <> ''),
CONSTRAINT ck_capacity_year_1 CHECK ("year" >= 1949),
CONSTRAINT ck_capacity_year_2 CHECK ("year" <= 2200),
CONSTRAINT ck_capacity_staff_1 CHECK ("staff" >= 0),
CONSTRAINT ck_capacity_staff_2 CHECK ("staff" <= 1000000000),
CONSTRAINT ck_capacity_risk_assessed_1 CHECK ("risk_assessed" IN (0, 1)),
CONSTRAINT ck_capacity_funds_wan_1 CHECK ("funds_wan" >= 0),
CONSTRAINT ck_capacity_funds_wan_2 CHECK ("funds_wan" <= 1000000000),
CONSTRAINT ck_capacity_supplies_wan_1 CHECK ("supplies_wan" >= 0),
CONSTRAINT ck_capacity_supplies_wan_2 CHECK ("supplies_wan" <= 1000000000),
CONSTRAINT ck_capacity_beds_1 CHECK ("beds" >= 0),
CONSTRAINT ck_capacity_beds_2 CHECK ("beds" <= 1000000000),
CONSTRAINT ck_capacity_firefighters_1 CHECK ("firefighters" >= 0),
CONSTRAINT ck_capacity_firefighters_2 CHECK ("firefighters" <= 1000000000),
CONSTRAINT ck_capacity_volunteers_1 CHECK ("volunteers" >= 0),
CONSTRAINT ck_capacity_volunteers_2 CHECK ("volunteers" <= 1000000000),
CONSTRAINT ck_capacity_militia_1 CHECK ("militia" >= 0),
CONSTRAINT ck_capacity_militia_2 CHECK ("militia" <= 1000000000),
CONSTRAINT ck_capacity_drill_persons_1 CHECK ("drill_persons" >= 0),
CONSTRAINT ck_capacity_drill_persons_2 CHECK ("drill_persons" <= 1000000000),
CONSTRAINT ck_capacity_shelter_places_1 CHECK ("shelter_places" >= 0),
CONSTRAINT ck_capacity_shelter_places_2 CHECK ("shelter_places" <= 1000000000),
CONSTRAINT ck_capacity_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT uq_capacity_key UNIQUE (street, year),
UNIQUE (id),
FOREIGN KEY(street) REFERENCES street (name) ON UPDATE CASCADE
)

CREATE INDEX ix_capacity_street ON capacity (street)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('building', 'features', 'building', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('building', 'geom', 'GEOMETRY', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('hazard_area', 'features', 'hazard_area', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('hazard_area', 'geom', 'GEOMETRY', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('hidden_danger', 'features', 'hidden_danger', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('hidden_danger', 'geom', 'POINT', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('lifeline', 'features', 'lifeline', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('lifeline', 'geom', 'GEOMETRY', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('parameter', 'attributes', 'parameter', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('raster', 'attributes', 'raster', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('storm_track', 'features', 'storm_track', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('storm_track', 'geom', 'POINT', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('waterlogging_spot', 'features', 'waterlogging_spot', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('waterlogging_spot', 'geom', 'POINT', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('zoning_correction', 'attributes', 'zoning_correction', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('capacity', 'attributes', 'capacity', NULL)

CREATE TRIGGER change_building_insert AFTER INSERT ON building WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('building', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_building_delete AFTER DELETE ON building BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('building', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_building_rename AFTER UPDATE OF id ON building
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('building', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_building_update AFTER UPDATE ON building WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('building', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE building SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_building_finish AFTER INSERT ON building WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE building SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'building', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM building WHERE fid = NEW.fid;
END

CREATE TRIGGER change_hazard_area_insert AFTER INSERT ON hazard_area WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('hazard_area', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_hazard_area_delete AFTER DELETE ON hazard_area BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('hazard_area', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_hazard_area_rename AFTER UPDATE OF id ON hazard_area
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('hazard_area', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_hazard_area_update AFTER UPDATE ON hazard_area WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('hazard_area', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE hazard_area SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_hazard_area_finish AFTER INSERT ON hazard_area WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE hazard_area SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'hazard_area', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM hazard_area WHERE fid = NEW.fid;
END

CREATE TRIGGER change_hidden_danger_insert AFTER INSERT ON hidden_danger WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('hidden_danger', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_hidden_danger_delete AFTER DELETE ON hidden_danger BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('hidden_danger', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_hidden_danger_rename AFTER UPDATE OF id ON hidden_danger
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('hidden_danger', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_hidden_danger_update AFTER UPDATE ON hidden_danger WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('hidden_danger', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE hidden_danger SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_hidden_danger_finish AFTER INSERT ON hidden_danger WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE hidden_danger SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'hidden_danger', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM hidden_danger WHERE fid = NEW.fid;
END

CREATE TRIGGER change_lifeline_insert AFTER INSERT ON lifeline WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('lifeline', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_lifeline_delete AFTER DELETE ON lifeline BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('lifeline', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_lifeline_rename AFTER UPDATE OF id ON lifeline
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('lifeline', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_lifeline_update AFTER UPDATE ON lifeline WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('lifeline', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE lifeline SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_lifeline_finish AFTER INSERT ON lifeline WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE lifeline SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'lifeline', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM lifeline WHERE fid = NEW.fid;
END

CREATE TRIGGER change_parameter_insert AFTER INSERT ON parameter WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('parameter', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_parameter_delete AFTER DELETE ON parameter BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('parameter', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_parameter_rename AFTER UPDATE OF id ON parameter
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('parameter', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_parameter_update AFTER UPDATE ON parameter WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('parameter', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE parameter SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_parameter_finish AFTER INSERT ON parameter WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE parameter SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'parameter', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM parameter WHERE fid = NEW.fid;
END

CREATE TRIGGER change_raster_insert AFTER INSERT ON raster WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('raster', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_raster_delete AFTER DELETE ON raster BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('raster', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_raster_rename AFTER UPDATE OF id ON raster
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('raster', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_raster_update AFTER UPDATE ON raster WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('raster', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE raster SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_raster_finish AFTER INSERT ON raster WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE raster SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'raster', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM raster WHERE fid = NEW.fid;
END

CREATE TRIGGER change_storm_track_insert AFTER INSERT ON storm_track WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('storm_track', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_storm_track_delete AFTER DELETE ON storm_track BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('storm_track', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_storm_track_rename AFTER UPDATE OF id ON storm_track
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('storm_track', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_storm_track_update AFTER UPDATE ON storm_track WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('storm_track', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE storm_track SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_storm_track_finish AFTER INSERT ON storm_track WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE storm_track SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'storm_track', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM storm_track WHERE fid = NEW.fid;
END

CREATE TRIGGER change_waterlogging_spot_insert AFTER INSERT ON waterlogging_spot WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('waterlogging_spot', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_waterlogging_spot_delete AFTER DELETE ON waterlogging_spot BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('waterlogging_spot', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_waterlogging_spot_rename AFTER UPDATE OF id ON waterlogging_spot
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('waterlogging_spot', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_waterlogging_spot_update AFTER UPDATE ON waterlogging_spot WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('waterlogging_spot', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE waterlogging_spot SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_waterlogging_spot_finish AFTER INSERT ON waterlogging_spot WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE waterlogging_spot SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'waterlogging_spot', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM waterlogging_spot WHERE fid = NEW.fid;
END

CREATE TRIGGER change_zoning_correction_insert AFTER INSERT ON zoning_correction WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('zoning_correction', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_zoning_correction_delete AFTER DELETE ON zoning_correction BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('zoning_correction', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_zoning_correction_rename AFTER UPDATE OF id ON zoning_correction
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('zoning_correction', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_zoning_correction_update AFTER UPDATE ON zoning_correction WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('zoning_correction', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE zoning_correction SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_zoning_correction_finish AFTER INSERT ON zoning_correction WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE zoning_correction SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'zoning_correction', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM zoning_correction WHERE fid = NEW.fid;
END

CREATE TRIGGER change_capacity_insert AFTER INSERT ON capacity WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('capacity', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_capacity_delete AFTER DELETE ON capacity BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('capacity', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_capacity_rename AFTER UPDATE OF id ON capacity
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('capacity', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_capacity_update AFTER UPDATE ON capacity WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('capacity', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE capacity SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_capacity_finish AFTER INSERT ON capacity WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE capacity SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'capacity', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM capacity WHERE fid = NEW.fid;
END
