//! One run of every figure.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use hooksieve::model::limits;
use tempfile::NamedTempFile;

use crate::bare::Bare;
use crate::host::{Host, RULE, Setting};
use crate::journal::{Journal, Latency};
use crate::rig::sink::Sink;
use crate::sheet::{Figure, Sheet, at};
use crate::slow_disk::SlowDisk;
use crate::usage::{Usage, Used};
use crate::{Kind, Pace, closed, commits, floor, open, per, slow_disk, turns};

/// Events that a closed loop can send in a run: more than any host accepts in that time.
const EVENTS_MAX: usize = 2_000_000;
/// Deliveries that are on their way at a time, when it is measured how many go through.
const ROOM: usize = 512;
/// Deliveries that a host may make a second of what it owes: more than it can.
const OWED_A_SECOND_MAX: u32 = 80_000;
/// Producers when it is measured how many deliveries go through, and the most for accepts.
const PRODUCERS: usize = 64;
/// Attempts of one webhook that the host has under way at a time, and so the floor.
const AT_ONCE: usize = limits::ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX as usize;
/// Webhooks for which the host has as many attempts under way as it has at all.
const WEBHOOKS_AT_MOST: u32 = limits::ATTEMPTS_IN_FLIGHT_MAX as u32 / limits::ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX;

/// Where a run happens and where its figures go.
pub struct Round<'a> {
    pub sheet: &'a mut Sheet,
    pub pace: Pace,
    pub is_short: bool,
    /// Another build of the host, whose figures get names of their own.
    pub program: Option<&'a Path>,
    pub disk: &'a Path,
    pub log_level: &'a str,
}

impl Round<'_> {
    pub async fn run(&mut self, kinds: &[Kind]) {
        if kinds.contains(&Kind::Accepts) {
            self.accepts().await;
        }
        if kinds.contains(&Kind::Deliveries) {
            self.deliveries("no filter", 1, None).await;
            self.deliveries("one filter", 1, Some(RULE)).await;
            self.deliveries("ten webhooks an event", 10, None).await;
        }
        if kinds.contains(&Kind::Owed) {
            for &webhooks in if self.is_short { &[10][..] } else { &[1, 10, WEBHOOKS_AT_MOST] } {
                self.owed(webhooks).await;
            }
        }
        if kinds.contains(&Kind::Latency) {
            for &rate in if self.is_short { &[100][..] } else { &[100, 500, 1_000, 2_000] } {
                self.latency(rate).await;
            }
        }
        if kinds.contains(&Kind::Syncs) {
            self.syncs().await;
        }
    }

    fn setting(&self, webhooks: u32, rule: Option<&'static str>) -> Setting<'_> {
        let Self { program, disk, log_level, .. } = *self;
        Setting { program, disk, log_level, webhooks, rule, slow: None, syncs: None }
    }

    /// A figure.
    fn note(&mut self, name: &str, unit: &'static str, value: f64, used: &Used) {
        self.note_of(name, unit, value, used, None);
    }

    /// A figure, as a share or a multiple of another one. What is measured beside another build is that build's as well.
    fn note_of(&mut self, name: &str, unit: &'static str, value: f64, used: &Used, of: Option<&str>) {
        let mark = if self.program.is_some() { "[against] " } else { "" };
        let of = of.map(|of| format!("{mark}{of}"));
        self.sheet.note(&Figure { name: &format!("{mark}{name}"), unit, of: of.as_deref() }, value, used);
    }

    async fn accepts(&mut self) {
        let bare = "one commit an event, bare SQLite";
        self.one_by_one(bare, Duration::ZERO);
        for &producers in if self.is_short { &[10][..] } else { &[1, 10, PRODUCERS] } {
            self.accepted(&format!("accepts, {producers} producers"), producers, None, bare).await;
        }
        let millis = slow_disk::LONGER.as_millis();
        let bare = format!("one commit an event, syncs {millis} ms longer");
        self.one_by_one(&bare, slow_disk::LONGER);
        let name = format!("accepts, {PRODUCERS} producers, syncs {millis} ms longer");
        self.accepted(&name, PRODUCERS, Some(&SlowDisk::compile()), &bare).await;
    }

    fn one_by_one(&mut self, name: &str, longer: Duration) {
        let (rate, used) = commits::one_by_one(self.disk, self.pace, longer);
        self.note(name, "1/s", rate, &used);
    }

    async fn accepted(&mut self, name: &str, producers: usize, slow: Option<&SlowDisk>, of: &str) {
        let journal = Arc::new(Journal::new(EVENTS_MAX, 0));
        let host = Host::start(&Setting { slow, ..self.setting(0, None) }, &journal).await;
        let watching = closed::watch(Some(host.pid()), &journal, self.pace);
        let closed::Measured { acknowledged, used, .. } =
            closed::run(host.address(), &journal, producers, 0, watching).await;
        host.stop().await;
        self.note_of(name, "1/s", per(acknowledged, used.secs), &used, Some(of));
    }

    async fn deliveries(&mut self, what: &str, webhooks: u32, rule: Option<&'static str>) {
        let journal = Arc::new(Journal::new(EVENTS_MAX, ROOM));
        let host = Host::start(&self.setting(webhooks, rule), &journal).await;
        let watching = turns::watch(&host, &journal, AT_ONCE * webhooks as usize, self.pace);
        let both = closed::run(host.address(), &journal, PRODUCERS, webhooks, watching).await;
        journal.settle(webhooks).await;
        host.stop().await;
        let (bare, name) = (format!("bare durable sender, {webhooks} an event"), format!("deliveries, {what}"));
        self.bare(&bare, webhooks).await;
        self.note_both(&name, what, &both);
        let turns::Both { host: closed::Measured { arrived, used, .. }, .. } = both;
        self.note_of(&format!("  the same, {what}"), "1/s", per(arrived, used.secs), &used, Some(&bare));
    }

    /// What is delivered when nothing is accepted meanwhile.
    async fn owed(&mut self, webhooks: u32) {
        let journal = Arc::new(Journal::new(EVENTS_MAX, 0));
        let time = self.pace.warm_up + self.pace.measured;
        let events = u32::try_from(events_in(time, OWED_A_SECOND_MAX)).expect("a run has few events") / webhooks;
        let host = Host::start_owing(&self.setting(webhooks, None), &journal, events).await;
        let both = turns::watch(&host, &journal, AT_ONCE * webhooks as usize, self.pace).await;
        assert!(journal.arrived() < u64::from(events * webhooks), "all that was owed was delivered: more must be");
        journal.settle(webhooks).await;
        host.stop().await;
        let name = format!("deliveries accepted before, webhooks: {webhooks}");
        self.note_both(&name, &format!("accepted before, webhooks: {webhooks}"), &both);
    }

    /// What was delivered in turns with the floor, and what each delivery cost.
    fn note_both(&mut self, name: &str, what: &str, both: &turns::Both) {
        let turns::Both { host: closed::Measured { arrived, used, .. }, floor, floor_used } = both;
        let floor_name = format!("floor, in turns with {what}");
        self.note(&floor_name, "1/s", per(*floor, floor_used.secs), floor_used);
        self.note_of(name, "1/s", per(*arrived, used.secs), used, Some(&floor_name));
        self.note_costs(what, per(*arrived, 1.0), used);
    }

    /// What each of so many deliveries cost.
    fn note_costs(&mut self, what: &str, count: f64, used: &Used) {
        self.note(&format!("  CPU of the host for each, {what}"), "us", 1e6 * used.cpu_secs / count, used);
        self.note(&format!("  written to disk for each, {what}"), "KiB", used.written_bytes / count / 1024.0, used);
        self.note(&format!("  waits of a thread for each, {what}"), "", used.waits / count, used);
    }

    /// What a sender delivers that does no more than accept events durably, sign and post.
    async fn bare(&mut self, name: &str, webhooks: u32) {
        let journal = Arc::new(Journal::new(EVENTS_MAX, ROOM));
        let arriving = Arc::clone(&journal);
        let sink = Sink::start(move |arrival| arriving.arrive(arrival)).await;
        let urls = (0..webhooks).map(|number| sink.url(&format!("/{number}"))).collect();
        let sender = Bare::start(self.disk, urls, AT_ONCE).await;
        let watching = closed::watch(None, &journal, self.pace);
        let closed::Measured { arrived, used, .. } =
            closed::run(sender.address(), &journal, PRODUCERS, webhooks, watching).await;
        journal.settle(webhooks).await;
        sender.stop().await;
        self.note(name, "1/s", per(arrived, used.secs), &used);
    }

    async fn latency(&mut self, rate: u32) {
        let (first, measured) = (events_in(self.pace.warm_up, rate), events_in(self.pace.measured, rate));
        let events = first + measured;
        let journal = Arc::new(Journal::new(events, 0));
        let host = Host::start(&self.setting(1, None), &journal).await;
        let usage = Usage::now(Some(host.pid()));
        open::run(&host, &journal, rate, events).await;
        journal.settle(1).await;
        let used = usage.until(Usage::now(Some(host.pid())));
        host.stop().await;
        let floor = Arc::new(Journal::new(events, 0));
        let usage = Usage::now(None);
        floor::latency(journal.sample(), &floor, rate, events).await;
        floor.settle(1).await;
        let floor_used = usage.until(Usage::now(None));
        for (name, share) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
            let millis = |journal: &Journal, of: fn(&Latency) -> Duration| {
                let times: Vec<f64> = journal.latencies(first).iter().map(|one| of(one).as_secs_f64() * 1e3).collect();
                at(&times, share)
            };
            let floor_name = format!("floor {name}, {rate} events/s: planned to socket");
            self.note(&floor_name, "ms", millis(&floor, |one| one.from_sent), &floor_used);
            let host_name = format!("{name}, {rate} events/s: planned to socket");
            self.note_of(&host_name, "ms", millis(&journal, |one| one.from_sent), &used, Some(&floor_name));
            let name = format!("  {name}, {rate} events/s: 202 to socket");
            self.note(&name, "ms", millis(&journal, |one| one.from_acknowledged), &used);
        }
    }

    /// Counted by `strace`, which slows a host down that has much to do: more events share a commit then.
    async fn syncs(&mut self) {
        if Command::new("strace").arg("--version").output().is_err() {
            eprintln!("  there is no strace on this machine: syncs are not counted");
            return;
        }
        let rate = if self.is_short { 100 } else { 500 };
        let events = events_in(self.pace.measured, rate);
        let (log, journal) = (NamedTempFile::new().unwrap(), Arc::new(Journal::new(events, 0)));
        let setting = Setting { syncs: Some(log.path()), ..self.setting(1, None) };
        let host = Host::start(&setting, &journal).await;
        let before = syncs_in(log.path());
        let usage = Usage::now(Some(host.pid()));
        open::run(&host, &journal, rate, events).await;
        journal.settle(1).await;
        let used = usage.until(Usage::now(Some(host.pid())));
        let syncs = per(syncs_in(log.path()) - before, per(journal.acknowledged(), 1.0));
        host.stop().await;
        self.note(&format!("syncs for an event, {rate} events/s"), "", syncs, &used);
    }
}

/// Syncs that `strace` has seen until now.
fn syncs_in(log: &Path) -> u64 {
    fs::read_to_string(log).unwrap().matches("sync(").count() as u64
}

/// How many events are sent in that time.
fn events_in(time: Duration, rate: u32) -> usize {
    usize::try_from(time.as_millis() * u128::from(rate) / 1000).expect("a run has few events")
}
