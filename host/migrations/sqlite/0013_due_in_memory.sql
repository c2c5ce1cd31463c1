-- What is due is in memory, by webhook and by time (`pending.rs`); the index by webhook tells what is behind that.
DROP INDEX deliveries_by_time;
