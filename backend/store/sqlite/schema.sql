CREATE TABLE IF NOT EXISTS orders (
	id         TEXT PRIMARY KEY,
	deal       TEXT NOT NULL,
	sku        TEXT NOT NULL,
	title      TEXT NOT NULL,
	buyer      TEXT NOT NULL,
	key        TEXT NOT NULL,
	print      TEXT NOT NULL,
	units      INTEGER NOT NULL,
	price      INTEGER NOT NULL,   -- minor units, of one unit
	currency   TEXT NOT NULL,
	status     TEXT NOT NULL,
	created    INTEGER NOT NULL,   -- Unix ms, as every time
	pay_before INTEGER NOT NULL,
	charged    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS orders_by_key ON orders (buyer, key, created);
CREATE INDEX IF NOT EXISTS orders_reserved ON orders (pay_before) WHERE status = 'reserved';
CREATE INDEX IF NOT EXISTS orders_to_give_back ON orders (id) WHERE charged AND status IN ('cancelled', 'expired');
CREATE INDEX IF NOT EXISTS orders_paid ON orders (deal, units) WHERE status = 'paid';

CREATE TABLE IF NOT EXISTS deals (
	n          INTEGER PRIMARY KEY, -- in the order they were added
	id         TEXT NOT NULL UNIQUE,
	title      TEXT NOT NULL,
	sku        TEXT NOT NULL,
	stock      INTEGER NOT NULL,
	price      INTEGER NOT NULL,
	list_price INTEGER NOT NULL,
	currency   TEXT NOT NULL,
	per_buyer  INTEGER NOT NULL,
	opens      INTEGER,             -- NULL: at once
	closes     INTEGER              -- NULL: never
)
