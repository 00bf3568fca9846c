ALTER TABLE audit ADD COLUMN event_seq INTEGER

ALTER TABLE audit ADD COLUMN count_seq INTEGER

ALTER TABLE audit ADD COLUMN status_seq INTEGER

CREATE TABLE answer_time (
seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
what TEXT NOT NULL,
actor TEXT NOT NULL,
asked_utc TEXT NOT NULL,
took_s DOUBLE NOT NULL,
CONSTRAINT ck_answer_time_what CHECK (what IN ('plan', 'search')),
CONSTRAINT ck_answer_time_asked_utc CHECK (asked_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_answer_time_took_s CHECK (took_s >= 0)
)

CREATE INDEX ix_answer_time_asked_utc ON answer_time (asked_utc)

CREATE TABLE log_floor (
seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
log TEXT NOT NULL,
from_seq INTEGER NOT NULL,
CONSTRAINT ck_log_floor_log CHECK (log IN ('change', 'reading', 'reading_refused')),
UNIQUE (log)
)

CREATE TABLE known_browser (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
account_id TEXT NOT NULL,
failures INTEGER DEFAULT 0 NOT NULL,
seen_utc TEXT NOT NULL,
CONSTRAINT ck_known_browser_id CHECK (id <> ''),
CONSTRAINT ck_known_browser_seen_utc CHECK (seen_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
FOREIGN KEY(account_id) REFERENCES account (id) ON DELETE CASCADE ON UPDATE CASCADE
)

CREATE INDEX ix_known_browser_account_id ON known_browser (account_id)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('answer_time', 'attributes', 'answer_time', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('log_floor', 'attributes', 'log_floor', NULL)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('known_browser', 'attributes', 'known_browser', NULL)

DROP TRIGGER change_no_delete

DROP TRIGGER reading_no_delete

DROP TRIGGER reading_refused_no_delete

CREATE TRIGGER change_no_delete BEFORE DELETE ON change
WHEN OLD.seq >= coalesce((SELECT from_seq FROM log_floor WHERE log = 'change'), 0) BEGIN
SELECT RAISE(ABORT, 'change is append-only');
END

CREATE TRIGGER reading_no_delete BEFORE DELETE ON reading
WHEN OLD.seq >= coalesce((SELECT from_seq FROM log_floor WHERE log = 'reading'), 0) BEGIN
SELECT RAISE(ABORT, 'reading is append-only');
END

CREATE TRIGGER reading_refused_no_delete BEFORE DELETE ON reading_refused
WHEN OLD.seq >= coalesce((SELECT from_seq FROM log_floor WHERE log = 'reading_refused'), 0) BEGIN
SELECT RAISE(ABORT, 'reading_refused is append-only');
END
