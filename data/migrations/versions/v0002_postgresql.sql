ALTER TABLE village ADD COLUMN persons_0_14 BIGINT
CONSTRAINT ck_village_persons_0_14_1 CHECK ("persons_0_14" >= 0)
CONSTRAINT ck_village_persons_0_14_2 CHECK ("persons_0_14" <= 1000000000)

ALTER TABLE village ADD COLUMN persons_65_over BIGINT
CONSTRAINT ck_village_persons_65_over_1 CHECK ("persons_65_over" >= 0)
CONSTRAINT ck_village_persons_65_over_2 CHECK ("persons_65_over" <= 1000000000)

ALTER TABLE village ADD COLUMN gdp_wan DOUBLE PRECISION
CONSTRAINT ck_village_gdp_wan_1 CHECK ("gdp_wan" >= 0)
CONSTRAINT ck_village_gdp_wan_2 CHECK ("gdp_wan" <= 1000000000)

ALTER TABLE enterprise ADD COLUMN fire_class TEXT
CONSTRAINT ck_enterprise_fire_class_1 CHECK ("fire_class" IN ('A', 'B', 'C', 'D', 'E'))

CREATE TABLE building (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT,
use TEXT,
storeys BIGINT,
structure TEXT,
year_built BIGINT,
floor_area_m2 DOUBLE PRECISION,
residents BIGINT,
geom geometry(GEOMETRY,4326) NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
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

CREATE INDEX ix_building_geom ON building USING gist (geom)

CREATE TABLE hazard_area (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT NOT NULL,
hazard TEXT NOT NULL,
kind TEXT DEFAULT 'zone' NOT NULL,
level BIGINT,
value DOUBLE PRECISION,
unit TEXT,
geom geometry(GEOMETRY,4326) NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_hazard_area_id CHECK (id <> ''),
CONSTRAINT ck_hazard_area_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_hazard_area_hazard_1 CHECK ("hazard" IN ('waterlogging', 'typhoon', 'storm_surge', 'convection', 'earthquake', 'geological', 'fire', 'other')),
CONSTRAINT ck_hazard_area_kind_1 CHECK ("kind" IN ('zone', 'unprotected_bank', 'subsidence', 'site_class', 'intensity', 'underpass', 'inundation', 'other')),
CONSTRAINT ck_hazard_area_level_1 CHECK ("level" >= 1),
CONSTRAINT ck_hazard_area_level_2 CHECK ("level" <= 5),
CONSTRAINT ck_hazard_area_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE INDEX ix_hazard_area_geom ON hazard_area USING gist (geom)

CREATE TABLE hidden_danger (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT NOT NULL,
hazard TEXT NOT NULL,
impact_radius_m DOUBLE PRECISION,
reported_on TEXT,
state TEXT DEFAULT 'open' NOT NULL,
geom geometry(POINT,4326) NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
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

CREATE INDEX ix_hidden_danger_geom ON hidden_danger USING gist (geom)

CREATE TABLE lifeline (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT NOT NULL,
type TEXT NOT NULL,
capacity DOUBLE PRECISION,
capacity_unit TEXT,
geom geometry(GEOMETRY,4326) NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_lifeline_id CHECK (id <> ''),
CONSTRAINT ck_lifeline_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_lifeline_type_1 CHECK ("type" IN ('pumping_station', 'substation', 'water_works', 'gas_station', 'telecom', 'bridge', 'school', 'other')),
CONSTRAINT ck_lifeline_capacity_1 CHECK ("capacity" >= 0),
CONSTRAINT ck_lifeline_capacity_2 CHECK ("capacity" <= 1000000000),
CONSTRAINT ck_lifeline_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE INDEX ix_lifeline_geom ON lifeline USING gist (geom)

CREATE TABLE parameter (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
version TEXT NOT NULL,
code TEXT NOT NULL,
value DOUBLE PRECISION NOT NULL,
unit TEXT,
provenance TEXT NOT NULL,
reference TEXT,
effective_from TEXT NOT NULL,
effective_to TEXT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
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
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
code TEXT NOT NULL,
title TEXT NOT NULL,
quantity TEXT NOT NULL,
unit TEXT,
vertical_datum TEXT NOT NULL,
epsg BIGINT NOT NULL,
rows BIGINT NOT NULL,
cols BIGINT NOT NULL,
"left" DOUBLE PRECISION NOT NULL,
top DOUBLE PRECISION NOT NULL,
dx DOUBLE PRECISION NOT NULL,
dy DOUBLE PRECISION NOT NULL,
sha256 TEXT NOT NULL,
file TEXT NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
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
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
storm_id TEXT NOT NULL,
name TEXT,
time_utc TEXT NOT NULL,
wind_m_s DOUBLE PRECISION,
pressure_hpa DOUBLE PRECISION,
radius_km DOUBLE PRECISION,
geom geometry(POINT,4326) NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
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

CREATE INDEX ix_storm_track_geom ON storm_track USING gist (geom)

CREATE TABLE waterlogging_spot (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT NOT NULL,
depth_m DOUBLE PRECISION,
flooded_on TEXT,
cause TEXT,
persons BIGINT,
geom geometry(POINT,4326) NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
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

CREATE INDEX ix_waterlogging_spot_geom ON waterlogging_spot USING gist (geom)

CREATE TABLE zoning_correction (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
scheme TEXT NOT NULL,
unit TEXT NOT NULL,
level BIGINT NOT NULL,
reason TEXT NOT NULL,
author TEXT,
decided_on TEXT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
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
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
street TEXT NOT NULL,
year BIGINT NOT NULL,
staff BIGINT,
risk_assessed INTEGER,
funds_wan DOUBLE PRECISION,
supplies_wan DOUBLE PRECISION,
beds BIGINT,
firefighters BIGINT,
volunteers BIGINT,
militia BIGINT,
drill_persons BIGINT,
shelter_places BIGINT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
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

CREATE TRIGGER change_building AFTER INSERT OR UPDATE OR DELETE ON building
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_building BEFORE UPDATE ON building
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_hazard_area AFTER INSERT OR UPDATE OR DELETE ON hazard_area
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_hazard_area BEFORE UPDATE ON hazard_area
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_hidden_danger AFTER INSERT OR UPDATE OR DELETE ON hidden_danger
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_hidden_danger BEFORE UPDATE ON hidden_danger
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_lifeline AFTER INSERT OR UPDATE OR DELETE ON lifeline
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_lifeline BEFORE UPDATE ON lifeline
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_parameter AFTER INSERT OR UPDATE OR DELETE ON parameter
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_parameter BEFORE UPDATE ON parameter
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_raster AFTER INSERT OR UPDATE OR DELETE ON raster
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_raster BEFORE UPDATE ON raster
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_storm_track AFTER INSERT OR UPDATE OR DELETE ON storm_track
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_storm_track BEFORE UPDATE ON storm_track
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_waterlogging_spot AFTER INSERT OR UPDATE OR DELETE ON waterlogging_spot
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_waterlogging_spot BEFORE UPDATE ON waterlogging_spot
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_zoning_correction AFTER INSERT OR UPDATE OR DELETE ON zoning_correction
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_zoning_correction BEFORE UPDATE ON zoning_correction
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_capacity AFTER INSERT OR UPDATE OR DELETE ON capacity
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_capacity BEFORE UPDATE ON capacity
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()
