//! Every bound of the product, in one place.

use std::time::Duration;

/// Characters in an identifier.
pub const ID_CHARS_MAX: usize = 128;
/// Characters in the name of an event type.
pub const EVENT_TYPE_CHARS_MAX: usize = 64;
/// Characters in the name of a webhook, filter, user, project or token.
pub const NAME_CHARS_MAX: usize = 200;
/// Bytes of a request body, except for uploads.
pub const REQUEST_BODY_BYTES_MAX: usize = 1 << 20;
/// Bytes of a body beyond its bound that are read and thrown away before the connection is given up: a
/// client that is still sending would otherwise see a broken connection instead of the refusal.
pub const REQUEST_EXCESS_BYTES_MAX: usize = 64 << 20;
/// Bytes of a delivery's body. Canonical numbers take up to 22 bytes where five were sent (`9e20,`), and the
/// webhook's own object, with all its projects, comes on top.
pub const DELIVERY_BODY_BYTES_MAX: usize = 6 * REQUEST_BODY_BYTES_MAX;
/// Time for a request body to come in, except for uploads.
pub const REQUEST_BODY_TIME_MAX: Duration = Duration::from_secs(30);
/// Time for the upload of a filter to come in.
pub const UPLOAD_TIME_MAX: Duration = Duration::from_secs(300);
/// Event types a webhook may subscribe to.
pub const WEBHOOK_EVENTS_MAX: usize = 256;
/// Projects a webhook may be scoped to.
pub const WEBHOOK_PROJECTS_MAX: usize = 1_000;
/// Headers a webhook may add to its requests.
pub const WEBHOOK_HEADERS_MAX: usize = 16;
/// Characters of the name of such a header.
pub const HEADER_NAME_CHARS_MAX: usize = 64;
/// Bytes of the value of such a header.
pub const WEBHOOK_HEADER_VALUE_BYTES_MAX: usize = 1_024;
/// Webhooks a user may have.
pub const WEBHOOKS_PER_USER_MAX: usize = 10_000;
/// Bytes of a user-chosen secret.
pub const SECRET_BYTES_MAX: usize = 256;
/// How long the secrets before the newest go on signing after a rotation (DESIGN section 3).
pub const SECRET_OVERLAP: Duration = Duration::from_secs(24 * 3600);
/// Secrets that sign for one webhook at a time.
pub const SECRETS_LIVE_MAX: usize = 3;
/// Days that events are kept with their verdicts, deliveries and attempts, where the operator does not say.
pub const RETENTION_DAYS: u32 = 7;
/// The longest that can be configured: ten years.
pub const RETENTION_DAYS_MAX: u32 = 3_650;
/// How long events are kept however large the database is: as long as the ids of events are told apart.
pub const RETENTION_MIN: Duration = Duration::from_secs(24 * 3600);
/// How long a replay that is under way keeps the events that it has yet to look at, where no age is configured: one
/// of a webhook that stays disabled would keep them for ever.
pub const REPLAYS_HOLD_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// The smallest size of a database that can be configured: what an idle one and a day's events of a small host take.
pub const RETENTION_BYTES_MIN: u64 = 64 << 20;
/// Rows that are deleted in one transaction, about: a few milliseconds of the one writer.
pub const RETENTION_ROWS_PER_STEP: u32 = 512;
/// The shortest rest after such a transaction; a longer one is followed by twice its time, so that at least two thirds
/// of the writer's time are left to those who wait for it.
pub const RETENTION_REST_MIN: Duration = Duration::from_millis(5);
/// How often it is looked for events that have had their time.
pub const RETENTION_PAUSE: Duration = Duration::from_secs(60);
/// Deliveries of a webhook beside which the shapes are kept that it had for earlier ones: whether one is in use is looked
/// for among all of them, a few milliseconds of the one writer.
pub const SNAPSHOT_DELIVERIES_MAX: u32 = 10_000;
/// How often what has had its time, such as secrets that sign no more, is deleted.
pub const UPKEEP_PAUSE: Duration = Duration::from_secs(10 * 60);
/// Tests of one webhook within [`TESTS_WINDOW`]. Each is an event that is kept and a delivery that is retried.
pub const TESTS_MAX: u32 = 10;
/// The time over which tests of a webhook are counted.
pub const TESTS_WINDOW: Duration = Duration::from_secs(60);
/// Samples that a REST hook is set up with.
pub const HOOK_SAMPLES_MAX: u32 = 3;
/// Bytes of a filter's configuration.
pub const FILTER_CONFIG_BYTES_MAX: usize = 64 << 10;
/// Characters of the version that a filter says it has.
pub const FILTER_VERSION_CHARS_MAX: usize = 64;
/// Characters of what a filter says that it does.
pub const FILTER_DESCRIPTION_CHARS_MAX: usize = 1_000;
/// Bytes of the JSON Schema that a filter gives for its configuration.
pub const FILTER_CONFIG_SCHEMA_BYTES_MAX: usize = 16 << 10;
/// Items of a page.
pub const PAGE_ITEMS_MAX: u32 = 250;
/// Items of a page where the caller does not say.
pub const PAGE_ITEMS_DEFAULT: u32 = 50;

/// Items of a page of GraphQL's `webhooks` where the caller does not say, as Blue's schema has it.
pub const GRAPHQL_PAGE_ITEMS_DEFAULT: u32 = 20;
/// Bytes of a GraphQL document: its parser looks at each several times. Large values come as variables.
pub const GRAPHQL_QUERY_BYTES_MAX: usize = 64 << 10;
/// Tokens of a GraphQL document; it takes a few milliseconds to parse as many.
pub const GRAPHQL_TOKENS_MAX: usize = 10_000;
/// Brackets of a GraphQL document that lie inside each other: what its parser, which is recursive, is made to
/// follow.
pub const GRAPHQL_NESTING_MAX: usize = 64;
/// Directives of a GraphQL document.
pub const GRAPHQL_DIRECTIVES_MAX: usize = 50;
/// Operations and fragments of a GraphQL document.
pub const GRAPHQL_DEFINITIONS_MAX: usize = 50;
/// Variables of a GraphQL operation.
pub const GRAPHQL_VARIABLES_MAX: usize = 100;
/// Bytes of the variables of a GraphQL operation, once for every use and with 16 for each value: its library
/// copies them.
pub const GRAPHQL_VARIABLE_BYTES_MAX: u64 = 2 << 20;
/// Aliases of a GraphQL document.
pub const GRAPHQL_ALIASES_MAX: usize = 50;
/// Fields of a GraphQL operation inside each other.
pub const GRAPHQL_DEPTH_MAX: usize = 12;
/// Fields inside `__schema` or `__type`: the introspection that GraphQL's own library sends has 14.
pub const GRAPHQL_INTROSPECTION_DEPTH_MAX: usize = 20;
/// What a GraphQL operation may cost: a field costs 1, in a list of webhooks 1 for every default page of it.
pub const GRAPHQL_COMPLEXITY_MAX: u64 = 1_000;
/// Characters of the message of a GraphQL error: it can repeat a name of the document.
pub const GRAPHQL_ERROR_CHARS_MAX: usize = 1_000;
/// Errors of one GraphQL answer.
pub const GRAPHQL_ERRORS_MAX: usize = 20;
/// Bytes of the lists and texts of webhooks that one GraphQL answer may have, about: aliases repeat them.
pub const GRAPHQL_ANSWER_BYTES_MAX: usize = 16 << 20;

/// Time for a client to say what it wants, request line and headers; an idle connection is closed after it.
pub const REQUEST_HEAD_TIME_MAX: Duration = Duration::from_secs(30);
/// Bytes of a request's path and query.
pub const REQUEST_URL_BYTES_MAX: usize = 8 << 10;
/// Headers of a request.
pub const REQUEST_HEADERS_MAX: usize = 100;
/// Bytes of a request's headers, names and values.
pub const REQUEST_HEADERS_BYTES_MAX: usize = 32 << 10;
/// Headers of a request that are read: more than it may have, so that the refusal can say why.
pub const REQUEST_HEADERS_READ_MAX: usize = 256;
/// Bytes of a request's head that are read, and that a connection may take: more than a head may have, so
/// that the refusal can say why. A longer one is answered with a bare 431.
pub const REQUEST_HEAD_BUFFER_BYTES: usize = 64 << 10;
/// How long a client may stop reading its answer.
pub const ANSWER_STALL_MAX: Duration = Duration::from_secs(30);
/// Time for a client that does not keep up to take one answer.
pub const ANSWER_TIME_MAX: Duration = Duration::from_secs(300);
/// Requests a second of one user's token, where the operator does not say: a tenth of what two cores answer.
pub const USER_REQUESTS_PER_SECOND: u32 = 1_000;
/// Requests a second without a valid token from one address, where the operator does not say.
pub const FAILURES_PER_SECOND: u32 = 50;
/// Seconds' worth of requests that may come at once, where the operator does not say.
pub const RATE_BURST_SECS: u32 = 2;
/// Tokens, and addresses, whose requests are counted at a time.
pub const RATE_KEYS_MAX: usize = 65_536;
/// The shortest token for the metrics, in characters.
pub const METRICS_TOKEN_CHARS_MIN: usize = 32;
/// Connections to the API that are open at a time.
pub const CONNECTIONS_MAX: usize = 8_192;
/// Uploads that come in or are compiled at a time; one of each caller.
pub const UPLOADS_AT_ONCE_MAX: usize = 8;
/// Bytes of a compiled filter: a small multiple of the upload. They are on disk, and in memory only where that refuses them.
pub const COMPILED_BYTES_MAX: u64 = 256 << 20;
/// Filters a user may have: after an upgrade each may have to be compiled again.
pub const FILTERS_PER_USER_MAX: u64 = 1_000;
/// Bytes of a user's filters together, as they were uploaded.
pub const FILTER_BYTES_PER_USER_MAX: u64 = 1 << 30;
/// How long a claimed delivery belongs to its claimant: twice the longest attempt.
pub const LEASE: Duration = Duration::from_secs(60);
/// How long a claimed event belongs to its claimant. Longer than thousands of slow filters take, with a wait of
/// [`LOAD_WAIT_MAX`] for every few of them: an event whose lease ends before its verdicts are there is begun
/// again, and would never be done. Nobody waits for it after a crash, since leases of an earlier process are void.
pub const DISPATCH_LEASE: Duration = Duration::from_secs(15 * 60);
/// Jobs that one commit of the writer takes.
pub const COMMIT_JOBS_MAX: usize = 256;
/// Jobs that may wait for the writer; more are refused with "busy".
pub const WRITER_QUEUE_MAX: usize = 4_096;
/// Pages in the log beyond those in the main file at which they are copied there: 32 MiB, half of what must be free on the disk. A
/// page that is changed often is copied once; fewer would have it copied more often, and more would take longer to read at a start.
pub const CHECKPOINT_PAGES: i64 = 8_000;
/// Pages that came while the log was copied which the writer may copy, as nothing else is written then: 1 MiB.
pub const CHECKPOINT_REST_PAGES: i64 = 256;
/// Pages of the log at which the writer copies what is left of them, however much it is: 48 MiB. It comes to that only where
/// as much is written as can be copied in the same time.
pub const CHECKPOINT_PAGES_MAX: i64 = 12_000;
/// Writes after which it is looked again how many these are: asking takes as long as a small commit.
pub const CHECKPOINT_LOOK_JOBS: usize = 64;
/// Bytes that must be free on the disk for anything new to be taken in. What was taken in goes on: this is its room.
pub const STORAGE_FREE_BYTES_MIN: u64 = 64 << 20;
/// Bytes that must be free for the loops to begin anything: an attempt that could not be written down would be made
/// again and again. The rest is for what is under way, for deletions and for the end.
pub const STORAGE_WORK_BYTES_MIN: u64 = 16 << 20;
/// Bytes of the ballast file, which is given up when others have filled the disk to the last: deleting takes room too.
pub const STORAGE_BALLAST_BYTES: u64 = 8 << 20;
/// Bytes that are left when the ballast is given up.
pub const STORAGE_LAST_BYTES: u64 = 4 << 20;
/// Bytes of free room beyond which the disk is not asked before every write, but once in [`STORAGE_PLENTY_TOLD`].
pub const STORAGE_PLENTY_BYTES: u64 = 1 << 30;
/// How long a disk with plenty of room is taken to have it: to fill that much within this takes 100 GiB a second.
pub const STORAGE_PLENTY_TOLD: Duration = Duration::from_millis(10);
/// How long it is told that a write met a full disk, though the disk does not look so.
pub const STORAGE_FULL_TOLD: Duration = Duration::from_secs(2);
/// How long a host whose storage failed goes on answering, so that whoever asks `/readyz` is told why it ends.
pub const STORAGE_FAILURE_TOLD: Duration = Duration::from_secs(3);
/// Events that dispatch claims at once.
pub const DISPATCH_BATCH_MAX: u32 = 256;
/// Calls of one owner's filters that wait for a thread or run, over all events. The same on every machine:
/// enough to keep the threads of a large one busy, few enough that others wait for a moment only.
pub const OWNER_FILTERS_AT_ONCE_MAX: usize = 16;
/// Fuel that all filters of one owner together may use for one event, as a multiple of what one call may.
pub const OWNER_FUEL_PER_EVENT_FACTOR: u64 = 100;
/// Verdicts of filters that are remembered, so that equal inputs need no call.
pub const VERDICTS_REMEMBERED_MAX: usize = 65_536;
/// Bytes of the reasons of those verdicts.
pub const VERDICTS_REMEMBERED_BYTES_MAX: usize = 16 << 20;
/// The pauses before an event is dispatched again that a fault of the host kept from it. Short in all: the
/// event's other webhooks wait too.
pub const HOST_FAULT_PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(120)];
/// How long whoever needs a filter waits for it to be loaded or compiled again, before they come back later.
pub const LOAD_WAIT_MAX: Duration = Duration::from_secs(3);
/// The pauses before an event is dispatched again whose filters are being compiled: a quarter of an hour in all, for
/// hundreds of filters, or a few of a minute each. The event's other webhooks wait too.
pub const COMPILING_PAUSES: [Duration; 90] = [Duration::from_secs(10); 90];
/// Bytes of event values that one claim of events or deliveries takes; the last event may exceed it.
pub const CLAIM_BYTES_MAX: usize = 8 << 20;
/// Tokens that the store keeps in memory, so that a request needs no look into the database.
pub const TOKENS_REMEMBERED_MAX: usize = 10_000;
/// Bytes of the events kept in memory after they were accepted.
pub const RECENT_EVENTS_BYTES_MAX: usize = 8 << 20;
/// Events of deliveries that come next which are to be in memory before they are claimed, over all webhooks of which
/// something is due.
pub const EVENTS_AHEAD_MAX: usize = 2_048;
/// Bytes of theirs at which these are fewer: half of what is kept.
pub const EVENTS_AHEAD_BYTES_MAX: usize = RECENT_EVENTS_BYTES_MAX / 2;
/// Events that are read for that at a time: a thread is busy with them for half a millisecond.
pub const EVENTS_READ_AHEAD_MAX: usize = 128;
/// Bytes of their values at which it ends.
pub const EVENTS_READ_AHEAD_BYTES_MAX: usize = 1 << 20;
/// Events waiting for a decision whose places are in memory; beyond them they are read from the database in turn.
pub const EVENTS_WAITING_IN_MEMORY_MAX: usize = 8_192;
/// Pending deliveries of one webhook that are in memory, the earliest: some more than can be under way for it. As many are read
/// when half of them are left.
pub const PENDING_IN_MEMORY_PER_WEBHOOK_MAX: usize = 512;
/// Pending deliveries in memory, over all webhooks, at which it is fewer of each.
pub const PENDING_IN_MEMORY_MAX: usize = 65_536;
/// How many of each it is then.
pub const PENDING_IN_MEMORY_LEAST: usize = 8;
/// Pending deliveries that one look at the database brings into memory.
pub const PENDING_READ_MAX: usize = 4_096;
/// Webhooks that are remembered to be owed nothing.
pub const WEBHOOKS_IN_MEMORY_MAX: usize = 16_384;
/// Deliveries changed by one transaction beyond which all that is in memory of them is read anew.
pub const DELIVERIES_TOUCHED_MAX: usize = 65_536;
/// Webhooks kept in memory with their secrets for the attempts to come, and snapshots of theirs.
pub const WEBHOOKS_KNOWN_MAX: usize = 1_024;
/// How long these are kept before they are read again, since a secret may have ended.
pub const WEBHOOKS_KNOWN_FOR: Duration = Duration::from_secs(1);
/// Memberships that the store keeps in memory, over all projects, so that an event needs no look for them.
pub const MEMBERS_REMEMBERED_MAX: usize = 100_000;
/// Rows that are counted to tell how long a queue is; what is beyond them is not told.
pub const QUEUE_COUNT_MAX: u32 = 100_000;
/// Attempts under way in all.
pub const ATTEMPTS_IN_FLIGHT_MAX: usize = 256;
/// Attempts under way for one webhook.
pub const ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX: u32 = 8;
/// Attempts of one webhook that were answered and are not written down yet, beside those under way. A kill makes
/// them come twice; fewer would have a webhook wait for the writer, which others keep from the processor for milliseconds.
pub const ATTEMPTS_UNWRITTEN_PER_WEBHOOK_MAX: u32 = 120;
/// Attempts of all webhooks that were answered and are not written down yet, beside those under way. One more keeps its place
/// until it is written.
pub const ATTEMPTS_UNWRITTEN_MAX: usize = 4 * ATTEMPTS_IN_FLIGHT_MAX;
/// How long what attempts came to waits to be synced with something else, in case the power fails: they would be made again.
pub const LOG_SYNCED_WITHIN: Duration = Duration::from_millis(10);
/// Attempts of one webhook that are written down beside others that are being written: as few as are under way, since a kill
/// makes them come twice.
pub const ATTEMPTS_WRITTEN_BESIDE_OTHERS: usize = ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX as usize;
/// Attempts of all webhooks together that are: a quarter of those under way.
pub const ATTEMPTS_GATHERED_MAX: usize = ATTEMPTS_IN_FLIGHT_MAX / 4;
/// From the beginning of one write of attempts to that of the next, where their webhooks do not wait for it.
pub const ATTEMPTS_WRITTEN_PACE: Duration = Duration::from_millis(1);
/// Attempts under way for all webhooks together whose last attempt failed: half, so that receivers that
/// hang leave room to those that do not.
pub const ATTEMPTS_IN_FLIGHT_FAILING_MAX: u32 = 128;
/// Attempts under way for these and for all webhooks together that were not delivered to yet, which may be receivers that
/// hang as well: an eighth is left to those that are known to answer.
pub const ATTEMPTS_IN_FLIGHT_DOUBTFUL_MAX: u32 = 224;
/// Host names looked up at a time. A lookup that hangs keeps its blocking thread, and the threads are
/// shared with the readers of the database.
pub const LOOKUPS_MAX: usize = 64;
/// Addresses of each family that one attempt may dial, of those that a name has.
pub const ADDRESSES_DIALLED_MAX: usize = 8;
/// Attempts of one delivery that the log keeps, the newest: each time it is sent again begins a schedule.
pub const ATTEMPTS_KEPT_MAX: u32 = 100;
/// Bytes of a response that the attempt log keeps; no more is read.
pub const RESPONSE_BYTES_MAX: usize = 16 << 10;
/// Bytes of the head of an endpoint's answer.
pub const ANSWER_HEAD_BYTES_MAX: usize = 64 << 10;
/// Bytes that are read of whatever an endpoint sends to one request, chunks' sizes and informational answers included:
/// several times what the head and the kept part of a body may have.
pub const ANSWER_READ_BYTES_MAX: usize = 256 << 10;
/// Connections to endpoints that are kept, about: with more than these all that nobody uses are closed.
pub const CONNECTIONS_KEPT_MAX: usize = 1_024;
/// Time to connect to an endpoint, TLS included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for a whole attempt, body included.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(7);
/// The delays before the second and every later attempt, as Svix has them, and three more: an endpoint
/// may be down over a weekend. The first attempt is made at once.
pub const RETRY_DELAYS: [Duration; 10] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(5 * 3600),
    Duration::from_secs(10 * 3600),
    Duration::from_secs(14 * 3600),
    Duration::from_secs(20 * 3600),
    Duration::from_secs(24 * 3600),
];
/// Failed attempts in a row that make a webhook UNHEALTHY.
pub const FAILURES_UNTIL_UNHEALTHY: u32 = 5;
/// The pauses before the probes of an UNHEALTHY webhook, lengthened by up to a half; the last one repeats.
pub const PROBE_INTERVALS: [Duration; 5] = [
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(2 * 60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(10 * 60),
];
/// Attempts a second that an endpoint gets at first which has just begun to answer again.
pub const RECOVERY_ATTEMPTS_PER_SECOND: f64 = 10.0;
/// By how much as many grow with each second. No second has more than about this share of all that came before, however
/// much has waited; they double in 18 s.
pub const RECOVERY_GROWTH_PER_SECOND: f64 = 1.04;
/// How long such an endpoint is spared: by then it gets more than eight connections carry.
pub const RECOVERY_TIME: Duration = Duration::from_secs(180);
/// Attempts under way for one UNHEALTHY webhook.
pub const PROBES_IN_FLIGHT_MAX: u32 = 1;
/// How long every attempt must have failed until the webhook is disabled (DESIGN section 5).
pub const DISABLED_AFTER: Duration = Duration::from_secs(5 * 24 * 3600);
/// Time for an endpoint to answer a health check, body included (the specification).
pub const HEALTH_CHECK_TIME_MAX: Duration = Duration::from_secs(7);
/// Health checks under way in all; more are refused with "busy".
pub const HEALTH_CHECKS_AT_ONCE_MAX: usize = 32;
/// Health checks under way for one owner, so that none takes all the places.
pub const HEALTH_CHECKS_PER_OWNER_MAX: usize = 4;
/// Deliveries of a webhook that are due or under way beside which a replay adds no more: whatever happens while it
/// runs waits for two attempts of that endpoint at the most.
pub const REPLAY_WAITING_MAX: u32 = 2 * ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX;
/// Verdicts that one step of a replay looks at.
pub const REPLAY_VERDICTS_PER_STEP_MAX: u32 = 1_000;
/// Steps of replays, each of another one, that are under way at a time.
pub const REPLAY_STEPS_AT_ONCE_MAX: usize = 8;
/// How long a loop waits at first for room for what a replay sends, twice as long each time that there is none.
pub const REPLAY_PAUSE_MIN: Duration = Duration::from_millis(2);
/// Replays of one owner's webhooks that are under way at a time.
pub const REPLAYS_PER_OWNER_MAX: u32 = 4;
/// Replays of a webhook that are kept, the newest.
pub const REPLAYS_KEPT_MAX: u32 = 100;
/// Verdicts that a dry run of a replay looks at.
pub const REPLAY_DRY_RUN_VERDICTS_MAX: u32 = 100_000;
/// Dry runs at a time; one of each owner.
pub const REPLAY_DRY_RUNS_AT_ONCE_MAX: usize = 2;
/// Filter failures in a row that mark the filter as failing.
pub const FILTER_FAILURES_UNTIL_FAILING: u32 = 3;
/// Events on which a webhook's shadow did not agree that are kept, the newest.
pub const SHADOW_SAMPLES_MAX: u32 = 20;
/// Events that a backtest asks about where the caller does not say.
pub const BACKTEST_EVENTS_DEFAULT: u32 = 1_000;
/// Events that a backtest asks about at the most.
pub const BACKTEST_EVENTS_MAX: u32 = 100_000;
/// Events on which the candidate does not agree that a backtest shows, the newest.
pub const BACKTEST_SAMPLES_MAX: usize = 50;
/// Backtests under way in all. Their calls take turns, so more would only be slower.
pub const BACKTESTS_AT_ONCE_MAX: usize = 8;
/// Backtests under way of one owner.
pub const BACKTESTS_PER_OWNER_MAX: usize = 1;
/// How long a backtest takes at the most; it ends there and says so.
pub const BACKTEST_TIME_MAX: Duration = Duration::from_secs(300);
/// The window of a webhook's statistics where the caller does not say.
pub const STATS_WINDOW_DEFAULT: Duration = Duration::from_secs(24 * 3600);
/// The longest window of a webhook's statistics.
pub const STATS_WINDOW_MAX: Duration = Duration::from_secs(31 * 24 * 3600);
/// Events that statistics count, the newest: what they cost does not grow with the events there are.
pub const STATS_EVENTS_MAX: u32 = 20_000;
/// Attempts at which statistics stop counting.
pub const STATS_ATTEMPTS_MAX: usize = 50_000;
/// Reasons that statistics show, the most frequent.
pub const STATS_REASONS_MAX: usize = 10;
/// Characters of a reason by which statistics tell it from others.
pub const STATS_REASON_CHARS_MAX: u32 = 200;
/// Spans of traces that wait to be sent; what comes beyond is dropped. A few kilobytes each at the most.
pub const TRACE_SPANS_QUEUED_MAX: usize = 4_096;
/// Spans that a collector is sent at a time.
pub const TRACE_BATCH_SPANS_MAX: usize = 512;
/// How long a span waits for others to be sent with.
pub const TRACE_LINGER: Duration = Duration::from_secs(1);
/// Time for a collector to take what it is sent.
pub const TRACE_EXPORT_TIME_MAX: Duration = Duration::from_secs(5);
/// Time for a collector to take what is left when the host stops.
pub const TRACE_FINISH_TIME_MAX: Duration = Duration::from_secs(2);
/// Bytes of a collector's answer that are read.
pub const TRACE_ANSWER_BYTES_MAX: usize = 16 << 10;
/// Verdicts on an event that its trace tells one by one.
pub const TRACE_VERDICTS_MAX: usize = 32;
/// How long a graceful stop waits for what is under way.
pub const STOP_GRACE: Duration = Duration::from_secs(8);

/// Bytes of a name that is not known which a refusal repeats, with the marks around it: a typo, but no secret.
pub const REPEATED_BYTES_MAX: usize = 26;
/// How many arrays and objects of a JSON document may lie inside each other (DESIGN section 3).
pub const JSON_DEPTH_MAX: usize = 64;
/// Bytes of the JSON pointer in an error message; a longer one is cut back to an ancestor's pointer.
pub const JSON_ERROR_POINTER_BYTES_MAX: usize = 512;
/// Characters of a refused number that its error message repeats.
pub const JSON_ERROR_LITERAL_CHARS_MAX: usize = 40;
/// Fields that one filter may declare.
pub const FIELDS_PER_FILTER_MAX: usize = 64;
/// Bytes of the pointer of one declared field.
pub const FIELD_POINTER_BYTES_MAX: usize = 512;
/// Segments of the pointer of one declared field.
pub const FIELD_POINTER_SEGMENTS_MAX: usize = 32;
/// Characters of a webhook's URL (DESIGN section 5).
pub const URL_CHARS_MAX: usize = 2048;
/// Events of one batch.
pub const BATCH_EVENTS_MAX: usize = 1_000;
/// Bytes of the body of a batch: eight times that of a single event, which is 8 KB for each of a thousand.
pub const BATCH_BODY_BYTES_MAX: usize = 8 << 20;
/// Batches that are read or written at a time; others wait before anything of their body is read. Each may
/// hold three times its body in memory.
pub const BATCHES_AT_ONCE_MAX: usize = 16;
/// Bytes of event values that a page of events has; a page with more ends early.
pub const PAGE_VALUE_BYTES_MAX: usize = 4 << 20;
/// Events, or deliveries, that one page is searched for among; a page that finds too few among these ends early, and
/// the next one goes on from there.
pub const PAGE_EVENTS_EXAMINED_MAX: usize = 10_000;
/// Events whose verdicts wait to be placed by webhook, beyond which they are: so many share the writes of pages. Lists look
/// at each of those that wait, up to twice as many: two or three milliseconds.
pub const EVENTS_TO_PLACE_MAX: usize = 2_048;
/// Verdicts that wait so, beyond which they are placed: about 8 MiB of memory.
pub const VERDICTS_TO_PLACE_MAX: usize = 1 << 19;
/// Verdicts that a decision places at least where too many wait, even if it adds fewer: what bounds the events that come
/// while each webhook has its turn.
pub const VERDICTS_PLACED_AT_LEAST: usize = 16;
/// Verdicts for one webhook that are placed at once, a fraction of a millisecond of the one writer.
pub const VERDICTS_PLACED_AT_ONCE_MAX: usize = 256;
/// Events that can be stored in another order than that of their times: as many as wait for the writer at a time.
pub const EVENTS_OUT_OF_ORDER_MAX: u32 = (WRITER_QUEUE_MAX + BATCHES_AT_ONCE_MAX * BATCH_EVENTS_MAX) as u32;
/// Event types that the operator may add.
pub const EVENT_TYPES_ADDED_MAX: u32 = 500;
/// Bytes of the example of an added event type.
pub const EVENT_TYPE_EXAMPLE_BYTES_MAX: usize = 16 << 10;
/// Bytes of the JSON Schema of an added event type.
pub const EVENT_TYPE_SCHEMA_BYTES_MAX: usize = 16 << 10;
/// Values that a schema has with everything that it refers to in place: what bounds the time to read it.
pub const SCHEMA_VALUES_MAX: usize = 10_000;
/// How many values of a schema lie inside each other with everything that it refers to in place.
pub const SCHEMA_DEPTH_MAX: usize = 128;
/// Patterns that an event type's schema has with everything that it refers to in place: a few for each field of a
/// record.
pub const EVENT_TYPE_SCHEMA_PATTERNS_MAX: usize = 256;
/// Patterns that the schema of a filter's configuration has so: reading it for every configuration takes as long as
/// a call of the filter may.
pub const FILTER_CONFIG_SCHEMA_PATTERNS_MAX: usize = 16;
/// Bytes of one of these patterns, compiled: room for a few classes of Unicode.
pub const SCHEMA_PATTERN_BYTES_MAX: usize = 64 << 10;
/// Steps that such a pattern takes for a byte at the worst: the states that it has room for.
pub const SCHEMA_PATTERN_STEPS: usize = 2_048;
/// Steps that checking a document against a schema may take, about: a fifth of a second at the worst.
pub const SCHEMA_CHECK_STEPS_MAX: usize = 16_000_000;
/// Values that a schema may look at in a document, counted like the steps, where it is told what is wrong: each
/// may be an error that is kept with a copy of its place; 20 MB at the worst.
pub const SCHEMA_EXPLAIN_STEPS_MAX: usize = 200_000;
/// Bytes of what is told of one place that does not meet a schema.
pub const SCHEMA_VIOLATION_BYTES_MAX: usize = 400;
