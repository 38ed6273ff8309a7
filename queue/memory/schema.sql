-- The mark and the journal of the embedded engine. Times are nanoseconds since
-- 1970 by the engine's clock, but passed.at, which is of the return clock.

CREATE TABLE rooms (
	room  TEXT PRIMARY KEY,
	state TEXT NOT NULL -- JSON: clocks, allowance, overrides
) WITHOUT ROWID;

-- After a crash places are given from mark on: no place above it was ever given.
CREATE TABLE lanes (
	room TEXT, lane TEXT,
	weight INTEGER NOT NULL, epoch INTEGER NOT NULL,
	head INTEGER NOT NULL, tail INTEGER NOT NULL, mark INTEGER NOT NULL,
	gone INTEGER NOT NULL, -- the last place that expired
	PRIMARY KEY (room, lane)
) WITHOUT ROWID;

-- Places that are spent, and the sessions they began.
CREATE TABLE places (
	room TEXT, lane TEXT, epoch INTEGER, place INTEGER,
	state   TEXT NOT NULL,    -- taken | provisional | over (ended before its lease) | left
	started INTEGER NOT NULL,
	ends    INTEGER NOT NULL, -- of the lease, and of the last pass
	PRIMARY KEY (room, lane, epoch, place)
) WITHOUT ROWID;

-- When which place had been passed.
CREATE TABLE passed (
	room TEXT, lane TEXT, epoch INTEGER, at INTEGER,
	head INTEGER NOT NULL,
	PRIMARY KEY (room, lane, epoch, at)
) WITHOUT ROWID;

-- Who was invited when. places: varints, each the distance from the one before.
CREATE TABLE calls (
	room TEXT, lane TEXT, epoch INTEGER, head INTEGER,
	at     INTEGER NOT NULL,
	places BLOB NOT NULL,
	PRIMARY KEY (room, lane, epoch, head)
) WITHOUT ROWID;
