ALTER TABLE movement ADD COLUMN from_ref TEXT

ALTER TABLE movement ADD COLUMN to_ref TEXT

ALTER TABLE movement ADD COLUMN to_lot_id TEXT
REFERENCES lot (id)

ALTER TABLE movement ADD COLUMN cause TEXT
CONSTRAINT ck_movement_cause_1 CHECK (cause IN ('damaged', 'missing', 'expired', 'recalled', 'other'))

ALTER TABLE movement ADD COLUMN actor TEXT

ALTER TABLE district ADD COLUMN drill_of_utc TEXT
CONSTRAINT ck_district_drill_of_utc_1 CHECK (drill_of_utc LIKE '____-__-__T__:__:__%Z')

CREATE INDEX ix_movement_from_ref ON movement (from_ref)

CREATE INDEX ix_movement_to_lot_id ON movement (to_lot_id)

CREATE INDEX ix_movement_to_ref ON movement (to_ref)

CREATE TABLE audit (
seq BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
recorded_utc TEXT NOT NULL,
actor TEXT NOT NULL,
role TEXT NOT NULL,
address TEXT,
action TEXT NOT NULL,
subject TEXT,
outcome TEXT NOT NULL,
details TEXT NOT NULL,
movement_seq BIGINT NOT NULL,
hash TEXT NOT NULL,
PRIMARY KEY (seq),
CONSTRAINT ck_audit_id CHECK (id <> ''),
CONSTRAINT ck_audit_recorded_utc CHECK (recorded_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_audit_outcome CHECK (outcome IN ('done', 'refused', 'failed')),
UNIQUE (id)
)

CREATE TABLE idempotency (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
route TEXT NOT NULL,
body_hash TEXT NOT NULL,
status INTEGER NOT NULL,
answer TEXT NOT NULL,
created_utc TEXT NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_idempotency_id CHECK (id <> ''),
CONSTRAINT ck_idempotency_created_utc CHECK (created_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE reading_refused (
seq BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
device_id TEXT NOT NULL,
body TEXT NOT NULL,
reason TEXT NOT NULL,
recorded_utc TEXT NOT NULL,
PRIMARY KEY (seq),
CONSTRAINT ck_reading_refused_id CHECK (id <> ''),
CONSTRAINT ck_reading_refused_recorded_utc CHECK (recorded_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE account (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT NOT NULL,
role TEXT NOT NULL,
password_hash TEXT NOT NULL,
street TEXT,
depot_id TEXT,
demo INTEGER DEFAULT 0 NOT NULL,
disabled INTEGER DEFAULT 0 NOT NULL,
must_change INTEGER DEFAULT 0 NOT NULL,
failures INTEGER DEFAULT 0 NOT NULL,
locked_until_utc TEXT,
created_utc TEXT NOT NULL,
password_utc TEXT NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_account_id CHECK (id <> ''),
CONSTRAINT ck_account_role CHECK (role IN ('viewer', 'dispatcher', 'keeper', 'planner', 'administrator')),
CONSTRAINT ck_account_demo CHECK (demo IN (0, 1)),
CONSTRAINT ck_account_disabled CHECK (disabled IN (0, 1)),
CONSTRAINT ck_account_must_change CHECK (must_change IN (0, 1)),
CONSTRAINT ck_account_locked_until_utc CHECK (locked_until_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_account_created_utc CHECK (created_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_account_password_utc CHECK (password_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
FOREIGN KEY(street) REFERENCES street (name) ON UPDATE CASCADE,
FOREIGN KEY(depot_id) REFERENCES depot (id) ON UPDATE CASCADE
)

CREATE TABLE agreement (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT NOT NULL,
item_id TEXT NOT NULL,
mode TEXT NOT NULL,
quantity_e3 BIGINT DEFAULT 0 NOT NULL,
lead_h DOUBLE PRECISION NOT NULL,
valid_from TEXT,
valid_to TEXT,
address TEXT,
contact TEXT,
phone TEXT,
geom geometry(POINT,4326),
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_agreement_id CHECK (id <> ''),
CONSTRAINT ck_agreement_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_agreement_item_id_1 CHECK ("item_id" <> ''),
CONSTRAINT ck_agreement_mode_1 CHECK ("mode" IN ('contract', 'production')),
CONSTRAINT ck_agreement_quantity_e3_1 CHECK ("quantity_e3" >= 0),
CONSTRAINT ck_agreement_quantity_e3_2 CHECK ("quantity_e3" <= 1000000000000),
CONSTRAINT ck_agreement_lead_h_1 CHECK ("lead_h" >= 0),
CONSTRAINT ck_agreement_lead_h_2 CHECK ("lead_h" <= 8760),
CONSTRAINT ck_agreement_valid_from_1 CHECK ("valid_from" LIKE '____-__-__'),
CONSTRAINT ck_agreement_valid_to_1 CHECK ("valid_to" LIKE '____-__-__'),
CONSTRAINT ck_agreement_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
FOREIGN KEY(item_id) REFERENCES item (id) ON UPDATE CASCADE
)

CREATE INDEX ix_agreement_item_id ON agreement (item_id)

CREATE INDEX ix_agreement_geom ON agreement USING gist (geom)

CREATE TABLE pack (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
item_id TEXT NOT NULL,
pack TEXT NOT NULL,
quantity_e3 BIGINT DEFAULT 0 NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_pack_id CHECK (id <> ''),
CONSTRAINT ck_pack_item_id_1 CHECK ("item_id" <> ''),
CONSTRAINT ck_pack_pack_1 CHECK ("pack" <> ''),
CONSTRAINT ck_pack_quantity_e3_1 CHECK ("quantity_e3" >= 1),
CONSTRAINT ck_pack_quantity_e3_2 CHECK ("quantity_e3" <= 1000000000000),
CONSTRAINT ck_pack_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT uq_pack_key UNIQUE (item_id, pack),
UNIQUE (id),
FOREIGN KEY(item_id) REFERENCES item (id) ON UPDATE CASCADE
)

CREATE INDEX ix_pack_item_id ON pack (item_id)

CREATE TABLE relief_standard (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
item_id TEXT NOT NULL,
basis TEXT NOT NULL,
quantity_e3 BIGINT DEFAULT 0 NOT NULL,
is_daily INTEGER DEFAULT 1 NOT NULL,
provenance TEXT NOT NULL,
reference TEXT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_relief_standard_id CHECK (id <> ''),
CONSTRAINT ck_relief_standard_item_id_1 CHECK ("item_id" <> ''),
CONSTRAINT ck_relief_standard_basis_1 CHECK ("basis" IN ('affected', 'evacuated')),
CONSTRAINT ck_relief_standard_quantity_e3_1 CHECK ("quantity_e3" >= 0),
CONSTRAINT ck_relief_standard_quantity_e3_2 CHECK ("quantity_e3" <= 1000000000000),
CONSTRAINT ck_relief_standard_is_daily_1 CHECK ("is_daily" IN (0, 1)),
CONSTRAINT ck_relief_standard_provenance_1 CHECK ("provenance" IN ('standard', 'cited', 'computed', 'remembered', 'proposed', 'decided')),
CONSTRAINT ck_relief_standard_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT uq_relief_standard_key UNIQUE (item_id, basis),
UNIQUE (id),
FOREIGN KEY(item_id) REFERENCES item (id) ON UPDATE CASCADE
)

CREATE INDEX ix_relief_standard_item_id ON relief_standard (item_id)

CREATE TABLE reserve_target (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
version TEXT NOT NULL,
level TEXT NOT NULL,
owner TEXT NOT NULL,
item_id TEXT NOT NULL,
mode TEXT DEFAULT 'goods' NOT NULL,
minimum_e3 BIGINT DEFAULT 0 NOT NULL,
target_e3 BIGINT DEFAULT 0 NOT NULL,
maximum_e3 BIGINT DEFAULT 0 NOT NULL,
valid_from TEXT NOT NULL,
valid_to TEXT,
provenance TEXT NOT NULL,
reference TEXT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_reserve_target_id CHECK (id <> ''),
CONSTRAINT ck_reserve_target_version_1 CHECK ("version" <> ''),
CONSTRAINT ck_reserve_target_level_1 CHECK ("level" IN ('community', 'street', 'district', 'city')),
CONSTRAINT ck_reserve_target_owner_1 CHECK ("owner" <> ''),
CONSTRAINT ck_reserve_target_item_id_1 CHECK ("item_id" <> ''),
CONSTRAINT ck_reserve_target_mode_1 CHECK ("mode" IN ('goods', 'contract', 'production')),
CONSTRAINT ck_reserve_target_minimum_e3_1 CHECK ("minimum_e3" >= 0),
CONSTRAINT ck_reserve_target_minimum_e3_2 CHECK ("minimum_e3" <= 1000000000000),
CONSTRAINT ck_reserve_target_target_e3_1 CHECK ("target_e3" >= 0),
CONSTRAINT ck_reserve_target_target_e3_2 CHECK ("target_e3" <= 1000000000000),
CONSTRAINT ck_reserve_target_maximum_e3_1 CHECK ("maximum_e3" >= 0),
CONSTRAINT ck_reserve_target_maximum_e3_2 CHECK ("maximum_e3" <= 1000000000000),
CONSTRAINT ck_reserve_target_valid_from_1 CHECK ("valid_from" LIKE '____-__-__'),
CONSTRAINT ck_reserve_target_valid_to_1 CHECK ("valid_to" LIKE '____-__-__'),
CONSTRAINT ck_reserve_target_provenance_1 CHECK ("provenance" IN ('standard', 'cited', 'computed', 'remembered', 'proposed', 'decided')),
CONSTRAINT ck_reserve_target_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT uq_reserve_target_key UNIQUE (version, level, owner, item_id, mode),
UNIQUE (id),
FOREIGN KEY(item_id) REFERENCES item (id) ON UPDATE CASCADE
)

CREATE INDEX ix_reserve_target_item_id ON reserve_target (item_id)

CREATE TABLE stock_level (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
depot_id TEXT NOT NULL,
item_id TEXT NOT NULL,
minimum_e3 BIGINT DEFAULT 0 NOT NULL,
target_e3 BIGINT DEFAULT 0 NOT NULL,
reference TEXT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_stock_level_id CHECK (id <> ''),
CONSTRAINT ck_stock_level_depot_id_1 CHECK ("depot_id" <> ''),
CONSTRAINT ck_stock_level_item_id_1 CHECK ("item_id" <> ''),
CONSTRAINT ck_stock_level_minimum_e3_1 CHECK ("minimum_e3" >= 0),
CONSTRAINT ck_stock_level_minimum_e3_2 CHECK ("minimum_e3" <= 1000000000000),
CONSTRAINT ck_stock_level_target_e3_1 CHECK ("target_e3" >= 0),
CONSTRAINT ck_stock_level_target_e3_2 CHECK ("target_e3" <= 1000000000000),
CONSTRAINT ck_stock_level_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT uq_stock_level_key UNIQUE (depot_id, item_id),
UNIQUE (id),
FOREIGN KEY(depot_id) REFERENCES depot (id) ON UPDATE CASCADE,
FOREIGN KEY(item_id) REFERENCES item (id) ON UPDATE CASCADE
)

CREATE INDEX ix_stock_level_depot_id ON stock_level (depot_id)

CREATE INDEX ix_stock_level_item_id ON stock_level (item_id)

CREATE TABLE substitute (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
item_id TEXT NOT NULL,
substitute_id TEXT NOT NULL,
quantity_e3 BIGINT DEFAULT 0 NOT NULL,
substitute_quantity_e3 BIGINT DEFAULT 0 NOT NULL,
reference TEXT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_substitute_id CHECK (id <> ''),
CONSTRAINT ck_substitute_item_id_1 CHECK ("item_id" <> ''),
CONSTRAINT ck_substitute_substitute_id_1 CHECK ("substitute_id" <> ''),
CONSTRAINT ck_substitute_quantity_e3_1 CHECK ("quantity_e3" >= 1),
CONSTRAINT ck_substitute_quantity_e3_2 CHECK ("quantity_e3" <= 1000000000000),
CONSTRAINT ck_substitute_substitute_quantity_e3_1 CHECK ("substitute_quantity_e3" >= 1),
CONSTRAINT ck_substitute_substitute_quantity_e3_2 CHECK ("substitute_quantity_e3" <= 1000000000000),
CONSTRAINT ck_substitute_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT uq_substitute_key UNIQUE (item_id, substitute_id),
UNIQUE (id),
FOREIGN KEY(item_id) REFERENCES item (id) ON UPDATE CASCADE,
FOREIGN KEY(substitute_id) REFERENCES item (id) ON UPDATE CASCADE
)

CREATE INDEX ix_substitute_item_id ON substitute (item_id)

CREATE INDEX ix_substitute_substitute_id ON substitute (substitute_id)

CREATE TABLE supply_request (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
number TEXT NOT NULL,
unit TEXT NOT NULL,
place TEXT NOT NULL,
contact TEXT NOT NULL,
phone TEXT,
incident TEXT,
note TEXT,
by_telephone INTEGER DEFAULT 0 NOT NULL,
to_depot_id TEXT,
level TEXT,
created_by TEXT NOT NULL,
created_utc TEXT NOT NULL,
deadline_utc TEXT,
papers_due_utc TEXT,
papers_done_utc TEXT,
closed_utc TEXT,
papers_by TEXT,
papers TEXT,
geom geometry(POINT,4326) NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_supply_request_id CHECK (id <> ''),
CONSTRAINT ck_supply_request_by_telephone CHECK (by_telephone IN (0, 1)),
CONSTRAINT ck_supply_request_level CHECK (level IN ('community', 'street', 'district', 'city')),
CONSTRAINT ck_supply_request_created_utc CHECK (created_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_supply_request_deadline_utc CHECK (deadline_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_supply_request_papers_due_utc CHECK (papers_due_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_supply_request_papers_done_utc CHECK (papers_done_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_supply_request_closed_utc CHECK (closed_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_supply_request_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
UNIQUE (number),
FOREIGN KEY(to_depot_id) REFERENCES depot (id) ON UPDATE CASCADE
)

CREATE INDEX ix_supply_request_to_depot_id ON supply_request (to_depot_id)

CREATE INDEX ix_supply_request_geom ON supply_request USING gist (geom)

CREATE TABLE vehicle (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT NOT NULL,
type TEXT DEFAULT 'truck' NOT NULL,
depot_id TEXT,
volume_m3 DOUBLE PRECISION,
contact TEXT,
phone TEXT,
position_utc TEXT,
geom geometry(POINT,4326),
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_vehicle_id CHECK (id <> ''),
CONSTRAINT ck_vehicle_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_vehicle_type_1 CHECK ("type" IN ('van', 'truck', 'tanker', 'boat', 'other')),
CONSTRAINT ck_vehicle_volume_m3_1 CHECK ("volume_m3" >= 0),
CONSTRAINT ck_vehicle_volume_m3_2 CHECK ("volume_m3" <= 1000000000),
CONSTRAINT ck_vehicle_position_utc_1 CHECK ("position_utc" LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_vehicle_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
FOREIGN KEY(depot_id) REFERENCES depot (id) ON UPDATE CASCADE
)

CREATE INDEX ix_vehicle_depot_id ON vehicle (depot_id)

CREATE INDEX ix_vehicle_geom ON vehicle USING gist (geom)

CREATE TABLE device (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT NOT NULL,
type TEXT NOT NULL,
vehicle_id TEXT,
depot_id TEXT,
item_id TEXT,
minimum DOUBLE PRECISION,
maximum DOUBLE PRECISION,
alarm_below DOUBLE PRECISION,
alarm_above DOUBLE PRECISION,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_device_id CHECK (id <> ''),
CONSTRAINT ck_device_name_1 CHECK ("name" <> ''),
CONSTRAINT ck_device_type_1 CHECK ("type" IN ('position', 'count', 'door', 'temperature')),
CONSTRAINT ck_device_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
FOREIGN KEY(vehicle_id) REFERENCES vehicle (id) ON UPDATE CASCADE,
FOREIGN KEY(depot_id) REFERENCES depot (id) ON UPDATE CASCADE,
FOREIGN KEY(item_id) REFERENCES item (id) ON UPDATE CASCADE
)

CREATE INDEX ix_device_depot_id ON device (depot_id)

CREATE INDEX ix_device_item_id ON device (item_id)

CREATE INDEX ix_device_vehicle_id ON device (vehicle_id)

CREATE TABLE holding (
fid BIGSERIAL NOT NULL,
lot_id TEXT NOT NULL,
account TEXT NOT NULL,
ref TEXT DEFAULT '' NOT NULL,
quantity_e3 BIGINT NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_holding_quantity_e3 CHECK (quantity_e3 >= 0 AND quantity_e3 <= 1000000000000),
CONSTRAINT ck_holding_account CHECK (account IN ('reserved', 'in_transit', 'incident', 'returned')),
CONSTRAINT uq_holding_key UNIQUE (lot_id, account, ref),
FOREIGN KEY(lot_id) REFERENCES lot (id) ON UPDATE CASCADE
)

CREATE INDEX ix_holding_lot_id ON holding (lot_id)

CREATE INDEX ix_holding_ref ON holding (ref)

CREATE TABLE lot_status_change (
seq BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
lot_id TEXT NOT NULL,
from_status TEXT NOT NULL,
to_status TEXT NOT NULL,
reason TEXT NOT NULL,
actor TEXT NOT NULL,
occurred_utc TEXT NOT NULL,
recorded_utc TEXT NOT NULL,
PRIMARY KEY (seq),
CONSTRAINT ck_lot_status_change_id CHECK (id <> ''),
CONSTRAINT ck_lot_status_change_occurred_utc CHECK (occurred_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_lot_status_change_recorded_utc CHECK (recorded_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_lot_status_change_reason CHECK (reason <> ''),
CONSTRAINT ck_lot_status_change_status CHECK (to_status IN ('usable', 'quarantined', 'recalled', 'damaged', 'expired')),
UNIQUE (id),
FOREIGN KEY(lot_id) REFERENCES lot (id) ON UPDATE CASCADE
)

CREATE INDEX ix_lot_status_change_lot_id ON lot_status_change (lot_id)

CREATE TABLE session (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
account_id TEXT NOT NULL,
address TEXT,
created_utc TEXT NOT NULL,
seen_utc TEXT NOT NULL,
expires_utc TEXT NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_session_id CHECK (id <> ''),
CONSTRAINT ck_session_created_utc CHECK (created_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_session_seen_utc CHECK (seen_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_session_expires_utc CHECK (expires_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
FOREIGN KEY(account_id) REFERENCES account (id) ON DELETE CASCADE ON UPDATE CASCADE
)

CREATE INDEX ix_session_account_id ON session (account_id)

CREATE TABLE supply_order (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
number TEXT NOT NULL,
request_id TEXT NOT NULL,
depot_id TEXT NOT NULL,
state TEXT NOT NULL,
vehicle_id TEXT,
driver TEXT,
phone TEXT,
travel_s DOUBLE PRECISION,
distance_m DOUBLE PRECISION,
expires_utc TEXT,
promised_utc TEXT,
eta_utc TEXT,
departed_utc TEXT,
received_utc TEXT,
created_by TEXT NOT NULL,
created_utc TEXT NOT NULL,
geom geometry(LINESTRING,4326),
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_supply_order_id CHECK (id <> ''),
CONSTRAINT ck_supply_order_state CHECK (state IN ('reserved', 'expired', 'cancelled', 'ordered', 'issued', 'in_transit', 'late', 'lost', 'partly_received', 'received', 'settled')),
CONSTRAINT ck_supply_order_expires_utc CHECK (expires_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_supply_order_promised_utc CHECK (promised_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_supply_order_eta_utc CHECK (eta_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_supply_order_departed_utc CHECK (departed_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_supply_order_received_utc CHECK (received_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_supply_order_created_utc CHECK (created_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_supply_order_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
UNIQUE (number),
FOREIGN KEY(request_id) REFERENCES supply_request (id) ON UPDATE CASCADE,
FOREIGN KEY(depot_id) REFERENCES depot (id) ON UPDATE CASCADE,
FOREIGN KEY(vehicle_id) REFERENCES vehicle (id) ON UPDATE CASCADE
)

CREATE INDEX ix_supply_order_depot_id ON supply_order (depot_id)

CREATE INDEX ix_supply_order_expires_utc ON supply_order (expires_utc)

CREATE INDEX ix_supply_order_request_id ON supply_order (request_id)

CREATE INDEX ix_supply_order_state ON supply_order (state)

CREATE INDEX ix_supply_order_vehicle_id ON supply_order (vehicle_id)

CREATE INDEX ix_supply_order_geom ON supply_order USING gist (geom)

CREATE TABLE supply_request_line (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
request_id TEXT NOT NULL,
item_id TEXT NOT NULL,
specification TEXT,
quantity_e3 BIGINT NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_supply_request_line_id CHECK (id <> ''),
CONSTRAINT ck_supply_request_line_quantity_e3 CHECK (quantity_e3 > 0 AND quantity_e3 <= 1000000000000),
CONSTRAINT ck_supply_request_line_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT uq_supply_request_line_key UNIQUE (request_id, item_id),
UNIQUE (id),
FOREIGN KEY(request_id) REFERENCES supply_request (id) ON UPDATE CASCADE,
FOREIGN KEY(item_id) REFERENCES item (id) ON UPDATE CASCADE
)

CREATE INDEX ix_supply_request_line_item_id ON supply_request_line (item_id)

CREATE INDEX ix_supply_request_line_request_id ON supply_request_line (request_id)

CREATE TABLE order_event (
seq BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
order_id TEXT NOT NULL,
action TEXT NOT NULL,
from_state TEXT,
to_state TEXT NOT NULL,
actor TEXT NOT NULL,
reason TEXT,
details TEXT,
occurred_utc TEXT NOT NULL,
recorded_utc TEXT NOT NULL,
PRIMARY KEY (seq),
CONSTRAINT ck_order_event_id CHECK (id <> ''),
CONSTRAINT ck_order_event_occurred_utc CHECK (occurred_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_order_event_recorded_utc CHECK (recorded_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
FOREIGN KEY(order_id) REFERENCES supply_order (id) ON UPDATE CASCADE
)

CREATE INDEX ix_order_event_order_id ON order_event (order_id)

CREATE TABLE reading (
seq BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
device_id TEXT NOT NULL,
quantity TEXT NOT NULL,
value DOUBLE PRECISION,
lon DOUBLE PRECISION,
lat DOUBLE PRECISION,
measured_utc TEXT NOT NULL,
recorded_utc TEXT NOT NULL,
PRIMARY KEY (seq),
CONSTRAINT ck_reading_id CHECK (id <> ''),
CONSTRAINT ck_reading_quantity CHECK (quantity IN ('position', 'count', 'door', 'temperature')),
CONSTRAINT ck_reading_measured_utc CHECK (measured_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_reading_recorded_utc CHECK (recorded_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT uq_reading_key UNIQUE (device_id, quantity, measured_utc),
UNIQUE (id),
FOREIGN KEY(device_id) REFERENCES device (id) ON UPDATE CASCADE
)

CREATE INDEX ix_reading_device_id ON reading (device_id)

CREATE TABLE stock_count (
seq BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
lot_id TEXT NOT NULL,
expected_e3 BIGINT NOT NULL,
counted_e3 BIGINT NOT NULL,
reason TEXT,
actor TEXT NOT NULL,
checker TEXT,
movement_id TEXT,
occurred_utc TEXT NOT NULL,
recorded_utc TEXT NOT NULL,
PRIMARY KEY (seq),
CONSTRAINT ck_stock_count_id CHECK (id <> ''),
CONSTRAINT ck_stock_count_expected_e3 CHECK (expected_e3 >= 0 AND expected_e3 <= 1000000000000),
CONSTRAINT ck_stock_count_counted_e3 CHECK (counted_e3 >= 0 AND counted_e3 <= 1000000000000),
CONSTRAINT ck_stock_count_occurred_utc CHECK (occurred_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_stock_count_recorded_utc CHECK (recorded_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_stock_count_reason CHECK (expected_e3 = counted_e3 OR reason <> ''),
UNIQUE (id),
FOREIGN KEY(lot_id) REFERENCES lot (id) ON UPDATE CASCADE,
FOREIGN KEY(movement_id) REFERENCES movement (id) ON UPDATE CASCADE
)

CREATE INDEX ix_stock_count_lot_id ON stock_count (lot_id)

CREATE INDEX ix_stock_count_movement_id ON stock_count (movement_id)

CREATE TABLE supply_order_line (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
order_id TEXT NOT NULL,
lot_id TEXT NOT NULL,
quantity_e3 BIGINT NOT NULL,
instead_of TEXT,
reason TEXT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_supply_order_line_id CHECK (id <> ''),
CONSTRAINT ck_supply_order_line_quantity_e3 CHECK (quantity_e3 > 0 AND quantity_e3 <= 1000000000000),
CONSTRAINT ck_supply_order_line_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT uq_supply_order_line_key UNIQUE (order_id, lot_id, instead_of),
UNIQUE (id),
FOREIGN KEY(order_id) REFERENCES supply_order (id) ON UPDATE CASCADE,
FOREIGN KEY(lot_id) REFERENCES lot (id) ON UPDATE CASCADE,
FOREIGN KEY(instead_of) REFERENCES item (id) ON UPDATE CASCADE
)

CREATE INDEX ix_supply_order_line_instead_of ON supply_order_line (instead_of)

CREATE INDEX ix_supply_order_line_lot_id ON supply_order_line (lot_id)

CREATE INDEX ix_supply_order_line_order_id ON supply_order_line (order_id)

CREATE TABLE token (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
name TEXT NOT NULL,
secret_hash TEXT NOT NULL,
scope TEXT NOT NULL,
device_id TEXT,
created_by TEXT NOT NULL,
created_utc TEXT NOT NULL,
expires_utc TEXT NOT NULL,
revoked_utc TEXT,
PRIMARY KEY (fid),
CONSTRAINT ck_token_id CHECK (id <> ''),
CONSTRAINT ck_token_created_utc CHECK (created_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_token_expires_utc CHECK (expires_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_token_revoked_utc CHECK (revoked_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
UNIQUE (secret_hash),
FOREIGN KEY(device_id) REFERENCES device (id) ON UPDATE CASCADE
)

CREATE TRIGGER change_reading_refused AFTER INSERT OR UPDATE OR DELETE ON reading_refused
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER change_agreement AFTER INSERT OR UPDATE OR DELETE ON agreement
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_agreement BEFORE UPDATE ON agreement
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_pack AFTER INSERT OR UPDATE OR DELETE ON pack
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_pack BEFORE UPDATE ON pack
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_relief_standard AFTER INSERT OR UPDATE OR DELETE ON relief_standard
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_relief_standard BEFORE UPDATE ON relief_standard
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_reserve_target AFTER INSERT OR UPDATE OR DELETE ON reserve_target
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_reserve_target BEFORE UPDATE ON reserve_target
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_stock_level AFTER INSERT OR UPDATE OR DELETE ON stock_level
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_stock_level BEFORE UPDATE ON stock_level
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_substitute AFTER INSERT OR UPDATE OR DELETE ON substitute
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_substitute BEFORE UPDATE ON substitute
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_supply_request AFTER INSERT OR UPDATE OR DELETE ON supply_request
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_supply_request BEFORE UPDATE ON supply_request
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_vehicle AFTER INSERT OR UPDATE OR DELETE ON vehicle
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_vehicle BEFORE UPDATE ON vehicle
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_device AFTER INSERT OR UPDATE OR DELETE ON device
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_device BEFORE UPDATE ON device
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_lot_status_change AFTER INSERT OR UPDATE OR DELETE ON lot_status_change
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER change_supply_order AFTER INSERT OR UPDATE OR DELETE ON supply_order
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_supply_order BEFORE UPDATE ON supply_order
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_supply_request_line AFTER INSERT OR UPDATE OR DELETE ON supply_request_line
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_supply_request_line BEFORE UPDATE ON supply_request_line
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER change_order_event AFTER INSERT OR UPDATE OR DELETE ON order_event
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER change_reading AFTER INSERT OR UPDATE OR DELETE ON reading
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER change_stock_count AFTER INSERT OR UPDATE OR DELETE ON stock_count
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER change_supply_order_line AFTER INSERT OR UPDATE OR DELETE ON supply_order_line
FOR EACH ROW EXECUTE FUNCTION onemap_log_change()

CREATE TRIGGER stamp_supply_order_line BEFORE UPDATE ON supply_order_line
FOR EACH ROW EXECUTE FUNCTION onemap_stamp()

CREATE TRIGGER stock_count_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_count
FOR EACH STATEMENT EXECUTE FUNCTION onemap_append_only()

CREATE TRIGGER lot_status_change_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lot_status_change
FOR EACH STATEMENT EXECUTE FUNCTION onemap_append_only()

CREATE TRIGGER order_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON order_event
FOR EACH STATEMENT EXECUTE FUNCTION onemap_append_only()

CREATE TRIGGER reading_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reading
FOR EACH STATEMENT EXECUTE FUNCTION onemap_append_only()

CREATE TRIGGER reading_refused_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reading_refused
FOR EACH STATEMENT EXECUTE FUNCTION onemap_append_only()

CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION onemap_append_only()

DROP TRIGGER movement_balances ON movement

DROP FUNCTION onemap_balances()

CREATE FUNCTION onemap_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
IF NEW.to_lot_id IS NULL THEN
UPDATE lot SET on_hand_e3 = on_hand_e3 + NEW.quantity_e3 * (CASE WHEN NEW.to_account IN ('depot', 'reserved', 'hold') THEN 1 ELSE 0 END - CASE WHEN NEW.from_account IN ('depot', 'reserved', 'hold') THEN 1 ELSE 0 END),
reserved_e3 = reserved_e3 + NEW.quantity_e3 * (CASE WHEN NEW.to_account IN ('reserved') THEN 1 ELSE 0 END - CASE WHEN NEW.from_account IN ('reserved') THEN 1 ELSE 0 END),
on_hold_e3 = on_hold_e3 + NEW.quantity_e3 * (CASE WHEN NEW.to_account IN ('hold') THEN 1 ELSE 0 END - CASE WHEN NEW.from_account IN ('hold') THEN 1 ELSE 0 END),
updated_utc = replace(NEW.recorded_utc, 'Z', '=Z')
WHERE id = NEW.lot_id;
ELSE
UPDATE lot SET on_hand_e3 = on_hand_e3 + NEW.quantity_e3 * ( - CASE WHEN NEW.from_account IN ('depot', 'reserved', 'hold') THEN 1 ELSE 0 END),
reserved_e3 = reserved_e3 + NEW.quantity_e3 * ( - CASE WHEN NEW.from_account IN ('reserved') THEN 1 ELSE 0 END),
on_hold_e3 = on_hold_e3 + NEW.quantity_e3 * ( - CASE WHEN NEW.from_account IN ('hold') THEN 1 ELSE 0 END),
updated_utc = replace(NEW.recorded_utc, 'Z', '=Z')
WHERE id = NEW.lot_id;
UPDATE lot SET on_hand_e3 = on_hand_e3 + NEW.quantity_e3 * (CASE WHEN NEW.to_account IN ('depot', 'reserved', 'hold') THEN 1 ELSE 0 END),
reserved_e3 = reserved_e3 + NEW.quantity_e3 * (CASE WHEN NEW.to_account IN ('reserved') THEN 1 ELSE 0 END),
on_hold_e3 = on_hold_e3 + NEW.quantity_e3 * (CASE WHEN NEW.to_account IN ('hold') THEN 1 ELSE 0 END),
updated_utc = replace(NEW.recorded_utc, 'Z', '=Z')
WHERE id = NEW.to_lot_id;
END IF;
INSERT INTO holding (lot_id, account, ref, quantity_e3)
SELECT NEW.lot_id, NEW.from_account, coalesce(NEW.from_ref, ''), 0
WHERE NEW.from_account IN ('reserved', 'in_transit', 'incident', 'returned')
ON CONFLICT (lot_id, account, ref) DO NOTHING;
UPDATE holding SET quantity_e3 = quantity_e3 + -NEW.quantity_e3
WHERE NEW.from_account IN ('reserved', 'in_transit', 'incident', 'returned') AND lot_id = NEW.lot_id
AND account = NEW.from_account AND ref = coalesce(NEW.from_ref, '');
INSERT INTO holding (lot_id, account, ref, quantity_e3)
SELECT coalesce(NEW.to_lot_id, NEW.lot_id), NEW.to_account, coalesce(NEW.to_ref, ''), 0
WHERE NEW.to_account IN ('reserved', 'in_transit', 'incident', 'returned')
ON CONFLICT (lot_id, account, ref) DO NOTHING;
UPDATE holding SET quantity_e3 = quantity_e3 + NEW.quantity_e3
WHERE NEW.to_account IN ('reserved', 'in_transit', 'incident', 'returned') AND lot_id = coalesce(NEW.to_lot_id, NEW.lot_id)
AND account = NEW.to_account AND ref = coalesce(NEW.to_ref, '');
RETURN NEW;
END $$

CREATE TRIGGER movement_balances AFTER INSERT ON movement
FOR EACH ROW EXECUTE FUNCTION onemap_balances()

INSERT INTO holding (lot_id, account, ref, quantity_e3)
SELECT lot_id, account, '', sum(quantity_e3)
FROM (SELECT lot_id, to_account AS account, quantity_e3 AS quantity_e3 FROM movement
UNION ALL SELECT lot_id, from_account AS account, -quantity_e3 AS quantity_e3 FROM movement) AS ends
WHERE account IN ('reserved', 'in_transit', 'incident', 'returned')
GROUP BY lot_id, account
