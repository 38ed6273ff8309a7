CREATE TABLE IF NOT EXISTS deals (
	id        TEXT PRIMARY KEY,
	total     INTEGER NOT NULL,
	available INTEGER NOT NULL,  -- below 0: so many reserved units are known to be sold to others
	reserved  INTEGER NOT NULL CHECK (reserved >= 0),
	sold      INTEGER NOT NULL CHECK (sold <= total),
	per_buyer INTEGER NOT NULL,
	opens     INTEGER NOT NULL,  -- Unix ms, as every time; 0: open-ended
	closes    INTEGER NOT NULL,
	CHECK (available + reserved + sold = total)
) WITHOUT ROWID;

-- What is reserved or sold. What was given back is deleted.
CREATE TABLE IF NOT EXISTS holds (
	id      TEXT PRIMARY KEY,
	deal    TEXT NOT NULL,
	buyer   TEXT NOT NULL,
	units   INTEGER NOT NULL CHECK (units > 0),
	expires INTEGER             -- NULL: sold
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS holds_by_buyer ON holds (deal, buyer, units);
CREATE INDEX IF NOT EXISTS holds_by_expiry ON holds (deal, expires) WHERE expires IS NOT NULL;

CREATE TABLE IF NOT EXISTS keys (
	deal    TEXT NOT NULL,
	buyer   TEXT NOT NULL,
	key     TEXT NOT NULL,
	print   TEXT NOT NULL,
	hold    TEXT NOT NULL,
	created INTEGER NOT NULL,
	expires INTEGER NOT NULL,   -- of the hold
	PRIMARY KEY (deal, buyer, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS keys_by_age ON keys (created)
