-- Leases are in memory: only one process has the database open, and its leases end with it. A claim writes nothing.

ALTER TABLE dispatch_queue DROP COLUMN leased_until;
ALTER TABLE dispatch_queue DROP COLUMN fence;
ALTER TABLE deliveries DROP COLUMN leased_until;
ALTER TABLE deliveries DROP COLUMN fence;
