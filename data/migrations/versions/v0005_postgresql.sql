ALTER TABLE audit ADD COLUMN event_seq BIGINT

ALTER TABLE audit ADD COLUMN count_seq BIGINT

ALTER TABLE audit ADD COLUMN status_seq BIGINT

CREATE TABLE answer_time (
seq BIGSERIAL NOT NULL,
what TEXT NOT NULL,
actor TEXT NOT NULL,
asked_utc TEXT NOT NULL,
took_s DOUBLE PRECISION NOT NULL,
PRIMARY KEY (seq),
CONSTRAINT ck_answer_time_what CHECK (what IN ('plan', 'search')),
CONSTRAINT ck_answer_time_asked_utc CHECK (asked_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_answer_time_took_s CHECK (took_s >= 0)
)

CREATE INDEX ix_answer_time_asked_utc ON answer_time (asked_utc)

CREATE TABLE log_floor (
seq BIGSERIAL NOT NULL,
log TEXT NOT NULL,
from_seq BIGINT NOT NULL,
PRIMARY KEY (seq),
CONSTRAINT ck_log_floor_log CHECK (log IN ('change', 'reading', 'reading_refused')),
UNIQUE (log)
)

CREATE TABLE known_browser (
fid BIGSERIAL NOT NULL,
id TEXT DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) NOT NULL,
account_id TEXT NOT NULL,
failures INTEGER DEFAULT 0 NOT NULL,
seen_utc TEXT NOT NULL,
PRIMARY KEY (fid),
CONSTRAINT ck_known_browser_id CHECK (id <> ''),
CONSTRAINT ck_known_browser_seen_utc CHECK (seen_utc LIKE '____-__-__T__:__:__%Z'),
UNIQUE (id),
FOREIGN KEY(account_id) REFERENCES account (id) ON DELETE CASCADE ON UPDATE CASCADE
)

CREATE INDEX ix_known_browser_account_id ON known_browser (account_id)

DROP TRIGGER change_append_only ON change

DROP TRIGGER reading_append_only ON reading

DROP TRIGGER reading_refused_append_only ON reading_refused

CREATE FUNCTION onemap_above_floor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
IF OLD.seq < (SELECT from_seq FROM log_floor WHERE log = TG_TABLE_NAME) THEN RETURN OLD;
END IF;
RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$

CREATE TRIGGER change_append_only BEFORE UPDATE OR TRUNCATE ON change
FOR EACH STATEMENT EXECUTE FUNCTION onemap_append_only()

CREATE TRIGGER change_floor BEFORE DELETE ON change
FOR EACH ROW EXECUTE FUNCTION onemap_above_floor()

CREATE TRIGGER reading_append_only BEFORE UPDATE OR TRUNCATE ON reading
FOR EACH STATEMENT EXECUTE FUNCTION onemap_append_only()

CREATE TRIGGER reading_floor BEFORE DELETE ON reading
FOR EACH ROW EXECUTE FUNCTION onemap_above_floor()

CREATE TRIGGER reading_refused_append_only BEFORE UPDATE OR TRUNCATE ON reading_refused
FOR EACH STATEMENT EXECUTE FUNCTION onemap_append_only()

CREATE TRIGGER reading_refused_floor BEFORE DELETE ON reading_refused
FOR EACH ROW EXECUTE FUNCTION onemap_above_floor()
