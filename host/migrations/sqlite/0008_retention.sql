-- Events are deleted when they have had their time.

-- The samples of an event, which go before it.
CREATE INDEX shadow_samples_of_event ON shadow_samples (event_seq);
