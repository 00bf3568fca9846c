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
seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT (lower(hex(randomblob(8)))) NOT NULL,
recorded_utc TEXT NOT NULL,
actor TEXT NOT NULL,
role TEXT NOT NULL,
address TEXT,
action TEXT NOT NULL,
subject TEXT,
outcome TEXT NOT NULL,
details TEXT NOT NULL,
movement_seq INTEGER NOT NULL,
hash TEXT NOT NULL,
CONSTRAINT ck_audit_id CHECK (id <> ''),
CONSTRAINT ck_audit_recorded_utc CHECK (recorded_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_audit_outcome CHECK (outcome IN ('done', 'refused', 'failed')),
UNIQUE (id)
)

CREATE TABLE idempotency (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
route TEXT NOT NULL,
body_hash TEXT NOT NULL,
status INTEGER NOT NULL,
answer TEXT NOT NULL,
created_utc TEXT NOT NULL,
CONSTRAINT ck_idempotency_id CHECK (id <> ''),
CONSTRAINT ck_idempotency_created_utc CHECK (created_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE reading_refused (
seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT (lower(hex(randomblob(8)))) NOT NULL,
device_id TEXT NOT NULL,
body TEXT NOT NULL,
reason TEXT NOT NULL,
recorded_utc TEXT NOT NULL,
CONSTRAINT ck_reading_refused_id CHECK (id <> ''),
CONSTRAINT ck_reading_refused_recorded_utc CHECK (recorded_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id)
)

CREATE TABLE account (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
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
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT NOT NULL,
item_id TEXT NOT NULL,
mode TEXT NOT NULL,
quantity_e3 INTEGER DEFAULT 0 NOT NULL,
lead_h DOUBLE NOT NULL,
valid_from TEXT,
valid_to TEXT,
address TEXT,
contact TEXT,
phone TEXT,
geom POINT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
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

CREATE TABLE pack (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
item_id TEXT NOT NULL,
pack TEXT NOT NULL,
quantity_e3 INTEGER DEFAULT 0 NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
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
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
item_id TEXT NOT NULL,
basis TEXT NOT NULL,
quantity_e3 INTEGER DEFAULT 0 NOT NULL,
is_daily INTEGER DEFAULT 1 NOT NULL,
provenance TEXT NOT NULL,
reference TEXT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
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
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
version TEXT NOT NULL,
level TEXT NOT NULL,
owner TEXT NOT NULL,
item_id TEXT NOT NULL,
mode TEXT DEFAULT 'goods' NOT NULL,
minimum_e3 INTEGER DEFAULT 0 NOT NULL,
target_e3 INTEGER DEFAULT 0 NOT NULL,
maximum_e3 INTEGER DEFAULT 0 NOT NULL,
valid_from TEXT NOT NULL,
valid_to TEXT,
provenance TEXT NOT NULL,
reference TEXT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
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
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
depot_id TEXT NOT NULL,
item_id TEXT NOT NULL,
minimum_e3 INTEGER DEFAULT 0 NOT NULL,
target_e3 INTEGER DEFAULT 0 NOT NULL,
reference TEXT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
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
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
item_id TEXT NOT NULL,
substitute_id TEXT NOT NULL,
quantity_e3 INTEGER DEFAULT 0 NOT NULL,
substitute_quantity_e3 INTEGER DEFAULT 0 NOT NULL,
reference TEXT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
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
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
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
geom POINT NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
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

CREATE TABLE vehicle (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT NOT NULL,
type TEXT DEFAULT 'truck' NOT NULL,
depot_id TEXT,
volume_m3 DOUBLE,
contact TEXT,
phone TEXT,
position_utc TEXT,
geom POINT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
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

CREATE TABLE device (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT NOT NULL,
type TEXT NOT NULL,
vehicle_id TEXT,
depot_id TEXT,
item_id TEXT,
minimum DOUBLE,
maximum DOUBLE,
alarm_below DOUBLE,
alarm_above DOUBLE,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
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
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
lot_id TEXT NOT NULL,
account TEXT NOT NULL,
ref TEXT DEFAULT '' NOT NULL,
quantity_e3 INTEGER NOT NULL,
CONSTRAINT ck_holding_quantity_e3 CHECK (quantity_e3 >= 0 AND quantity_e3 <= 1000000000000),
CONSTRAINT ck_holding_account CHECK (account IN ('reserved', 'in_transit', 'incident', 'returned')),
CONSTRAINT uq_holding_key UNIQUE (lot_id, account, ref),
FOREIGN KEY(lot_id) REFERENCES lot (id) ON UPDATE CASCADE
)

CREATE INDEX ix_holding_lot_id ON holding (lot_id)

CREATE INDEX ix_holding_ref ON holding (ref)

CREATE TABLE lot_status_change (
seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT (lower(hex(randomblob(8)))) NOT NULL,
lot_id TEXT NOT NULL,
from_status TEXT NOT NULL,
to_status TEXT NOT NULL,
reason TEXT NOT NULL,
actor TEXT NOT NULL,
occurred_utc TEXT NOT NULL,
recorded_utc TEXT NOT NULL,
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
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
account_id TEXT NOT NULL,
address TEXT,
created_utc TEXT NOT NULL,
seen_utc TEXT NOT NULL,
expires_utc TEXT NOT NULL,
CONSTRAINT ck_session_id CHECK (id <> ''),
CONSTRAINT ck_session_created_utc CHECK (created_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_session_seen_utc CHECK (seen_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_session_expires_utc CHECK (expires_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
FOREIGN KEY(account_id) REFERENCES account (id) ON DELETE CASCADE ON UPDATE CASCADE
)

CREATE INDEX ix_session_account_id ON session (account_id)

CREATE TABLE supply_order (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
number TEXT NOT NULL,
request_id TEXT NOT NULL,
depot_id TEXT NOT NULL,
state TEXT NOT NULL,
vehicle_id TEXT,
driver TEXT,
phone TEXT,
travel_s DOUBLE,
distance_m DOUBLE,
expires_utc TEXT,
promised_utc TEXT,
eta_utc TEXT,
departed_utc TEXT,
received_utc TEXT,
created_by TEXT NOT NULL,
created_utc TEXT NOT NULL,
geom LINESTRING,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
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

CREATE TABLE supply_request_line (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
request_id TEXT NOT NULL,
item_id TEXT NOT NULL,
specification TEXT,
quantity_e3 INTEGER NOT NULL,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
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
seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT (lower(hex(randomblob(8)))) NOT NULL,
order_id TEXT NOT NULL,
action TEXT NOT NULL,
from_state TEXT,
to_state TEXT NOT NULL,
actor TEXT NOT NULL,
reason TEXT,
details TEXT,
occurred_utc TEXT NOT NULL,
recorded_utc TEXT NOT NULL,
CONSTRAINT ck_order_event_id CHECK (id <> ''),
CONSTRAINT ck_order_event_occurred_utc CHECK (occurred_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_order_event_recorded_utc CHECK (recorded_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
FOREIGN KEY(order_id) REFERENCES supply_order (id) ON UPDATE CASCADE
)

CREATE INDEX ix_order_event_order_id ON order_event (order_id)

CREATE TABLE reading (
seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT (lower(hex(randomblob(8)))) NOT NULL,
device_id TEXT NOT NULL,
quantity TEXT NOT NULL,
value DOUBLE,
lon DOUBLE,
lat DOUBLE,
measured_utc TEXT NOT NULL,
recorded_utc TEXT NOT NULL,
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
seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT (lower(hex(randomblob(8)))) NOT NULL,
lot_id TEXT NOT NULL,
expected_e3 INTEGER NOT NULL,
counted_e3 INTEGER NOT NULL,
reason TEXT,
actor TEXT NOT NULL,
checker TEXT,
movement_id TEXT,
occurred_utc TEXT NOT NULL,
recorded_utc TEXT NOT NULL,
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
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
order_id TEXT NOT NULL,
lot_id TEXT NOT NULL,
quantity_e3 INTEGER NOT NULL,
instead_of TEXT,
reason TEXT,
source TEXT DEFAULT 'manual' NOT NULL,
source_datum TEXT DEFAULT 'EPSG:4326' NOT NULL,
updated_utc TEXT DEFAULT '1970-01-01T00:00:00.000Z' NOT NULL,
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
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT NOT NULL,
secret_hash TEXT NOT NULL,
scope TEXT NOT NULL,
device_id TEXT,
created_by TEXT NOT NULL,
created_utc TEXT NOT NULL,
expires_utc TEXT NOT NULL,
revoked_utc TEXT,
CONSTRAINT ck_token_id CHECK (id <> ''),
CONSTRAINT ck_token_created_utc CHECK (created_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_token_expires_utc CHECK (expires_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_token_revoked_utc CHECK (revoked_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
UNIQUE (secret_hash),
FOREIGN KEY(device_id) REFERENCES device (id) ON UPDATE CASCADE
)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('audit', 'attributes', 'audit', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('idempotency', 'attributes', 'idempotency', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('reading_refused', 'attributes', 'reading_refused', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('account', 'attributes', 'account', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('agreement', 'features', 'agreement', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('agreement', 'geom', 'POINT', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('pack', 'attributes', 'pack', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('relief_standard', 'attributes', 'relief_standard', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('reserve_target', 'attributes', 'reserve_target', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('stock_level', 'attributes', 'stock_level', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('substitute', 'attributes', 'substitute', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('supply_request', 'features', 'supply_request', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('supply_request', 'geom', 'POINT', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('vehicle', 'features', 'vehicle', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('vehicle', 'geom', 'POINT', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('device', 'attributes', 'device', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('holding', 'attributes', 'holding', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('lot_status_change', 'attributes', 'lot_status_change', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('session', 'attributes', 'session', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('supply_order', 'features', 'supply_order', 4326)

INSERT INTO gpkg_geometry_columns
(table_name, column_name, geometry_type_name, srs_id, z, m)
VALUES ('supply_order', 'geom', 'LINESTRING', 4326, 0, 0)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('supply_request_line', 'attributes', 'supply_request_line', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('order_event', 'attributes', 'order_event', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('reading', 'attributes', 'reading', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('stock_count', 'attributes', 'stock_count', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('supply_order_line', 'attributes', 'supply_order_line', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('token', 'attributes', 'token', NULL)

CREATE TRIGGER change_reading_refused_insert AFTER INSERT ON reading_refused WHEN NOT (0) BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('reading_refused', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_reading_refused_delete AFTER DELETE ON reading_refused BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('reading_refused', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_reading_refused_rename AFTER UPDATE OF id ON reading_refused
WHEN OLD.id <> NEW.id AND NOT (0) BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('reading_refused', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_reading_refused_update AFTER UPDATE ON reading_refused WHEN NOT (0) BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('reading_refused', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_agreement_insert AFTER INSERT ON agreement WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('agreement', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_agreement_delete AFTER DELETE ON agreement BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('agreement', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_agreement_rename AFTER UPDATE OF id ON agreement
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('agreement', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_agreement_update AFTER UPDATE ON agreement WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('agreement', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE agreement SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_agreement_finish AFTER INSERT ON agreement WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE agreement SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'agreement', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM agreement WHERE fid = NEW.fid;
END

CREATE TRIGGER change_pack_insert AFTER INSERT ON pack WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('pack', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_pack_delete AFTER DELETE ON pack BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('pack', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_pack_rename AFTER UPDATE OF id ON pack
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('pack', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_pack_update AFTER UPDATE ON pack WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('pack', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE pack SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_pack_finish AFTER INSERT ON pack WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE pack SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'pack', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM pack WHERE fid = NEW.fid;
END

CREATE TRIGGER change_relief_standard_insert AFTER INSERT ON relief_standard WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('relief_standard', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_relief_standard_delete AFTER DELETE ON relief_standard BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('relief_standard', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_relief_standard_rename AFTER UPDATE OF id ON relief_standard
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('relief_standard', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_relief_standard_update AFTER UPDATE ON relief_standard WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('relief_standard', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE relief_standard SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_relief_standard_finish AFTER INSERT ON relief_standard WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE relief_standard SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'relief_standard', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM relief_standard WHERE fid = NEW.fid;
END

CREATE TRIGGER change_reserve_target_insert AFTER INSERT ON reserve_target WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('reserve_target', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_reserve_target_delete AFTER DELETE ON reserve_target BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('reserve_target', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_reserve_target_rename AFTER UPDATE OF id ON reserve_target
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('reserve_target', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_reserve_target_update AFTER UPDATE ON reserve_target WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('reserve_target', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE reserve_target SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_reserve_target_finish AFTER INSERT ON reserve_target WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE reserve_target SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'reserve_target', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM reserve_target WHERE fid = NEW.fid;
END

CREATE TRIGGER change_stock_level_insert AFTER INSERT ON stock_level WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('stock_level', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_stock_level_delete AFTER DELETE ON stock_level BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('stock_level', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_stock_level_rename AFTER UPDATE OF id ON stock_level
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('stock_level', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_stock_level_update AFTER UPDATE ON stock_level WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('stock_level', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE stock_level SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_stock_level_finish AFTER INSERT ON stock_level WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE stock_level SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'stock_level', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM stock_level WHERE fid = NEW.fid;
END

CREATE TRIGGER change_substitute_insert AFTER INSERT ON substitute WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('substitute', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_substitute_delete AFTER DELETE ON substitute BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('substitute', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_substitute_rename AFTER UPDATE OF id ON substitute
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('substitute', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_substitute_update AFTER UPDATE ON substitute WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('substitute', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE substitute SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_substitute_finish AFTER INSERT ON substitute WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE substitute SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'substitute', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM substitute WHERE fid = NEW.fid;
END

CREATE TRIGGER change_supply_request_insert AFTER INSERT ON supply_request WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('supply_request', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_supply_request_delete AFTER DELETE ON supply_request BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('supply_request', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_supply_request_rename AFTER UPDATE OF id ON supply_request
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('supply_request', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_supply_request_update AFTER UPDATE ON supply_request WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('supply_request', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE supply_request SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_supply_request_finish AFTER INSERT ON supply_request WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE supply_request SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'supply_request', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM supply_request WHERE fid = NEW.fid;
END

CREATE TRIGGER change_vehicle_insert AFTER INSERT ON vehicle WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('vehicle', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_vehicle_delete AFTER DELETE ON vehicle BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('vehicle', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_vehicle_rename AFTER UPDATE OF id ON vehicle
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('vehicle', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_vehicle_update AFTER UPDATE ON vehicle WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('vehicle', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE vehicle SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_vehicle_finish AFTER INSERT ON vehicle WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE vehicle SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'vehicle', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM vehicle WHERE fid = NEW.fid;
END

CREATE TRIGGER change_device_insert AFTER INSERT ON device WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('device', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_device_delete AFTER DELETE ON device BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('device', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_device_rename AFTER UPDATE OF id ON device
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('device', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_device_update AFTER UPDATE ON device WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('device', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE device SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_device_finish AFTER INSERT ON device WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE device SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'device', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM device WHERE fid = NEW.fid;
END

CREATE TRIGGER change_lot_status_change_insert AFTER INSERT ON lot_status_change WHEN NOT (0) BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('lot_status_change', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_lot_status_change_delete AFTER DELETE ON lot_status_change BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('lot_status_change', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_lot_status_change_rename AFTER UPDATE OF id ON lot_status_change
WHEN OLD.id <> NEW.id AND NOT (0) BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('lot_status_change', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_lot_status_change_update AFTER UPDATE ON lot_status_change WHEN NOT (0) BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('lot_status_change', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_supply_order_insert AFTER INSERT ON supply_order WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('supply_order', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_supply_order_delete AFTER DELETE ON supply_order BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('supply_order', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_supply_order_rename AFTER UPDATE OF id ON supply_order
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('supply_order', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_supply_order_update AFTER UPDATE ON supply_order WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('supply_order', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE supply_order SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_supply_order_finish AFTER INSERT ON supply_order WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE supply_order SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'supply_order', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM supply_order WHERE fid = NEW.fid;
END

CREATE TRIGGER change_supply_request_line_insert AFTER INSERT ON supply_request_line WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('supply_request_line', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_supply_request_line_delete AFTER DELETE ON supply_request_line BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('supply_request_line', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_supply_request_line_rename AFTER UPDATE OF id ON supply_request_line
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('supply_request_line', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_supply_request_line_update AFTER UPDATE ON supply_request_line WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('supply_request_line', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE supply_request_line SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_supply_request_line_finish AFTER INSERT ON supply_request_line WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE supply_request_line SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'supply_request_line', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM supply_request_line WHERE fid = NEW.fid;
END

CREATE TRIGGER change_order_event_insert AFTER INSERT ON order_event WHEN NOT (0) BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('order_event', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_order_event_delete AFTER DELETE ON order_event BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('order_event', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_order_event_rename AFTER UPDATE OF id ON order_event
WHEN OLD.id <> NEW.id AND NOT (0) BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('order_event', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_order_event_update AFTER UPDATE ON order_event WHEN NOT (0) BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('order_event', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_reading_insert AFTER INSERT ON reading WHEN NOT (0) BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('reading', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_reading_delete AFTER DELETE ON reading BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('reading', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_reading_rename AFTER UPDATE OF id ON reading
WHEN OLD.id <> NEW.id AND NOT (0) BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('reading', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_reading_update AFTER UPDATE ON reading WHEN NOT (0) BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('reading', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_stock_count_insert AFTER INSERT ON stock_count WHEN NOT (0) BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('stock_count', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_stock_count_delete AFTER DELETE ON stock_count BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('stock_count', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_stock_count_rename AFTER UPDATE OF id ON stock_count
WHEN OLD.id <> NEW.id AND NOT (0) BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('stock_count', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_stock_count_update AFTER UPDATE ON stock_count WHEN NOT (0) BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('stock_count', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_supply_order_line_insert AFTER INSERT ON supply_order_line WHEN NOT (NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('supply_order_line', NEW.id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_supply_order_line_delete AFTER DELETE ON supply_order_line BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('supply_order_line', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_supply_order_line_rename AFTER UPDATE OF id ON supply_order_line
WHEN OLD.id <> NEW.id AND NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc) VALUES ('supply_order_line', OLD.id, 'delete', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END

CREATE TRIGGER change_supply_order_line_update AFTER UPDATE ON supply_order_line WHEN NOT (OLD.id = '(auto)' OR OLD.updated_utc = '1970-01-01T00:00:00.000Z') BEGIN
INSERT INTO change ("table", id, operation, utc)
VALUES ('supply_order_line', NEW.id, iif(OLD.id <> NEW.id, 'insert', 'update'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
UPDATE supply_order_line SET updated_utc = iif(updated_utc LIKE '%=Z', replace(updated_utc, '=Z', 'Z'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
WHERE fid = NEW.fid AND (updated_utc = OLD.updated_utc OR updated_utc LIKE '%=Z');
END

CREATE TRIGGER change_supply_order_line_finish AFTER INSERT ON supply_order_line WHEN NEW.id = '(auto)' OR NEW.updated_utc = '1970-01-01T00:00:00.000Z' BEGIN
UPDATE supply_order_line SET id = iif(id = '(auto)', lower(hex(randomblob(8))), id), updated_utc = iif(updated_utc = '1970-01-01T00:00:00.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_utc) WHERE fid = NEW.fid;
INSERT INTO change ("table", id, operation, utc) SELECT 'supply_order_line', id, 'insert', strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM supply_order_line WHERE fid = NEW.fid;
END

CREATE TRIGGER stock_count_no_update BEFORE UPDATE ON stock_count BEGIN
SELECT RAISE(ABORT, 'stock_count is append-only');
END

CREATE TRIGGER stock_count_no_delete BEFORE DELETE ON stock_count BEGIN
SELECT RAISE(ABORT, 'stock_count is append-only');
END

CREATE TRIGGER stock_count_no_replace BEFORE INSERT ON stock_count
WHEN EXISTS (SELECT 1 FROM stock_count WHERE seq = NEW.seq) BEGIN
SELECT RAISE(ABORT, 'stock_count is append-only');
END

CREATE TRIGGER lot_status_change_no_update BEFORE UPDATE ON lot_status_change BEGIN
SELECT RAISE(ABORT, 'lot_status_change is append-only');
END

CREATE TRIGGER lot_status_change_no_delete BEFORE DELETE ON lot_status_change BEGIN
SELECT RAISE(ABORT, 'lot_status_change is append-only');
END

CREATE TRIGGER lot_status_change_no_replace BEFORE INSERT ON lot_status_change
WHEN EXISTS (SELECT 1 FROM lot_status_change WHERE seq = NEW.seq) BEGIN
SELECT RAISE(ABORT, 'lot_status_change is append-only');
END

CREATE TRIGGER order_event_no_update BEFORE UPDATE ON order_event BEGIN
SELECT RAISE(ABORT, 'order_event is append-only');
END

CREATE TRIGGER order_event_no_delete BEFORE DELETE ON order_event BEGIN
SELECT RAISE(ABORT, 'order_event is append-only');
END

CREATE TRIGGER order_event_no_replace BEFORE INSERT ON order_event
WHEN EXISTS (SELECT 1 FROM order_event WHERE seq = NEW.seq) BEGIN
SELECT RAISE(ABORT, 'order_event is append-only');
END

CREATE TRIGGER reading_no_update BEFORE UPDATE ON reading BEGIN
SELECT RAISE(ABORT, 'reading is append-only');
END

CREATE TRIGGER reading_no_delete BEFORE DELETE ON reading BEGIN
SELECT RAISE(ABORT, 'reading is append-only');
END

CREATE TRIGGER reading_no_replace BEFORE INSERT ON reading
WHEN EXISTS (SELECT 1 FROM reading WHERE seq = NEW.seq) BEGIN
SELECT RAISE(ABORT, 'reading is append-only');
END

CREATE TRIGGER reading_refused_no_update BEFORE UPDATE ON reading_refused BEGIN
SELECT RAISE(ABORT, 'reading_refused is append-only');
END

CREATE TRIGGER reading_refused_no_delete BEFORE DELETE ON reading_refused BEGIN
SELECT RAISE(ABORT, 'reading_refused is append-only');
END

CREATE TRIGGER reading_refused_no_replace BEFORE INSERT ON reading_refused
WHEN EXISTS (SELECT 1 FROM reading_refused WHERE seq = NEW.seq) BEGIN
SELECT RAISE(ABORT, 'reading_refused is append-only');
END

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN
SELECT RAISE(ABORT, 'audit is append-only');
END

CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN
SELECT RAISE(ABORT, 'audit is append-only');
END

CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq) BEGIN
SELECT RAISE(ABORT, 'audit is append-only');
END

DROP TRIGGER movement_balances

CREATE TRIGGER movement_balances AFTER INSERT ON movement WHEN NEW.to_lot_id IS NULL BEGIN
UPDATE lot SET on_hand_e3 = on_hand_e3 + NEW.quantity_e3 * (CASE WHEN NEW.to_account IN ('depot', 'reserved', 'hold') THEN 1 ELSE 0 END - CASE WHEN NEW.from_account IN ('depot', 'reserved', 'hold') THEN 1 ELSE 0 END),
reserved_e3 = reserved_e3 + NEW.quantity_e3 * (CASE WHEN NEW.to_account IN ('reserved') THEN 1 ELSE 0 END - CASE WHEN NEW.from_account IN ('reserved') THEN 1 ELSE 0 END),
on_hold_e3 = on_hold_e3 + NEW.quantity_e3 * (CASE WHEN NEW.to_account IN ('hold') THEN 1 ELSE 0 END - CASE WHEN NEW.from_account IN ('hold') THEN 1 ELSE 0 END),
updated_utc = NEW.recorded_utc
WHERE id = NEW.lot_id;
END

CREATE TRIGGER movement_transfer AFTER INSERT ON movement WHEN NEW.to_lot_id IS NOT NULL BEGIN
UPDATE lot SET on_hand_e3 = on_hand_e3 + NEW.quantity_e3 * ( - CASE WHEN NEW.from_account IN ('depot', 'reserved', 'hold') THEN 1 ELSE 0 END),
reserved_e3 = reserved_e3 + NEW.quantity_e3 * ( - CASE WHEN NEW.from_account IN ('reserved') THEN 1 ELSE 0 END),
on_hold_e3 = on_hold_e3 + NEW.quantity_e3 * ( - CASE WHEN NEW.from_account IN ('hold') THEN 1 ELSE 0 END),
updated_utc = NEW.recorded_utc
WHERE id = NEW.lot_id;
UPDATE lot SET on_hand_e3 = on_hand_e3 + NEW.quantity_e3 * (CASE WHEN NEW.to_account IN ('depot', 'reserved', 'hold') THEN 1 ELSE 0 END),
reserved_e3 = reserved_e3 + NEW.quantity_e3 * (CASE WHEN NEW.to_account IN ('reserved') THEN 1 ELSE 0 END),
on_hold_e3 = on_hold_e3 + NEW.quantity_e3 * (CASE WHEN NEW.to_account IN ('hold') THEN 1 ELSE 0 END),
updated_utc = NEW.recorded_utc
WHERE id = NEW.to_lot_id;
END

CREATE TRIGGER movement_holdings AFTER INSERT ON movement
WHEN NEW.from_account IN ('reserved', 'in_transit', 'incident', 'returned') OR NEW.to_account IN ('reserved', 'in_transit', 'incident', 'returned') BEGIN
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
END

INSERT INTO holding (lot_id, account, ref, quantity_e3)
SELECT lot_id, account, '', sum(quantity_e3)
FROM (SELECT lot_id, to_account AS account, quantity_e3 AS quantity_e3 FROM movement
UNION ALL SELECT lot_id, from_account AS account, -quantity_e3 AS quantity_e3 FROM movement) AS ends
WHERE account IN ('reserved', 'in_transit', 'incident', 'returned')
GROUP BY lot_id, account
