//! What processes used, from `/proc`.

use std::fs;
use std::time::Instant;

/// The unit of the kernel's CPU times, the same on every machine that the host runs on (`USER_HZ`).
const TICKS_PER_SEC: f64 = 100.0;

/// What was used up to a moment.
#[derive(Clone, Copy)]
pub struct Usage {
    at: Instant,
    /// CPU seconds of the host, in user and kernel mode.
    host_cpu_secs: f64,
    /// CPU seconds of this process.
    own_cpu_secs: f64,
    /// CPU seconds of the whole machine, but for idling.
    busy_secs: f64,
    /// Bytes that the host had written to disk.
    written_bytes: f64,
    /// How often a thread of the host began to wait: for work, for another thread, for the disk.
    waits: f64,
}

/// What was used between two moments.
#[derive(Default)]
pub struct Used {
    pub secs: f64,
    pub cpu_secs: f64,
    pub written_bytes: f64,
    pub waits: f64,
    /// Cores that other processes kept busy.
    pub others_cores: f64,
}

impl Used {
    /// What was used at another time, too.
    pub fn add(&mut self, other: &Self) {
        let others_secs = self.others_cores * self.secs + other.others_cores * other.secs;
        self.secs += other.secs;
        self.cpu_secs += other.cpu_secs;
        self.written_bytes += other.written_bytes;
        self.waits += other.waits;
        self.others_cores = others_secs / self.secs;
    }
}

impl Usage {
    /// Of this process and the host `pid`; without one, of this process.
    pub fn now(pid: Option<u32>) -> Self {
        let written = pid.map_or(0.0, |pid| field(&read(&format!("/proc/{pid}/io")), "write_bytes:"));
        Self {
            at: Instant::now(),
            host_cpu_secs: pid.map_or(0.0, |pid| cpu_secs(&pid.to_string())),
            own_cpu_secs: cpu_secs("self"),
            busy_secs: busy_secs(),
            written_bytes: written,
            waits: pid.map_or(0.0, waits),
        }
    }

    pub fn until(self, later: Self) -> Used {
        let secs = later.at.duration_since(self.at).as_secs_f64();
        let cpu_secs = later.host_cpu_secs - self.host_cpu_secs;
        let ours = cpu_secs + later.own_cpu_secs - self.own_cpu_secs;
        Used {
            secs,
            cpu_secs,
            written_bytes: later.written_bytes - self.written_bytes,
            waits: later.waits - self.waits,
            others_cores: ((later.busy_secs - self.busy_secs - ours) / secs).max(0.0),
        }
    }
}

/// The load average of the last minute, what this program causes included.
pub fn load_average() -> f64 {
    number(read("/proc/loadavg").split_whitespace().next())
}

fn cpu_secs(process: &str) -> f64 {
    let stat = read(&format!("/proc/{process}/stat"));
    // The name may have blanks; what counts comes behind it: fields 14 and 15 of all, user and system time.
    let (_, behind) = stat.rsplit_once(')').expect("the name is in parentheses");
    let mut fields = behind.split_whitespace().skip(11);
    (number(fields.next()) + number(fields.next())) / TICKS_PER_SEC
}

fn waits(pid: u32) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the host runs");
    // A thread may end meanwhile.
    let statuses = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok());
    statuses.map(|status| field(&status, "voluntary_ctxt_switches:")).sum()
}

/// User, nice, system, irq, softirq and steal; not idle, not waiting for the disk.
fn busy_secs() -> f64 {
    let stat = read("/proc/stat");
    let fields: Vec<f64> =
        stat.lines().next().unwrap_or("").split_whitespace().skip(1).map(|n| number(Some(n))).collect();
    [0, 1, 2, 5, 6, 7].iter().map(|&at| fields[at]).sum::<f64>() / TICKS_PER_SEC
}

fn field(text: &str, name: &str) -> f64 {
    number(text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim))
}

fn number(text: Option<&str>) -> f64 {
    text.and_then(|text| text.parse().ok()).expect("the kernel writes a number here")
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}
