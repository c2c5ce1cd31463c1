//! One call of a filter with fresh state, and the threads that make such calls.

mod batch;

pub(super) use batch::Batch;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};
use tokio::sync::{Semaphore, oneshot};
use wasmtime::component::Instance;
use wasmtime::{ResourceLimiter, Store, Trap};

use super::engine::Ticker;
use super::engines::Engines;
use super::loaded::Loaded;
use super::projection::Value;
use super::wit_v0_1_0::{Filter, Said};
use super::{FilterLimits, Refused, StartError};
use crate::model::filter::About;
use crate::model::verdict::ReasonClass;

/// Bytes that a filter may hand over in one call: room for the declared fields of `configure`. A
/// verdict's reason has a smaller bound of its own.
const HANDOVER_BYTES_MAX: usize = 256 << 10;
/// How often a call is made again that ran into the deadline with fuel left: the machine was busy.
const DEADLINE_RETRIES: u32 = 3;
/// Room on a thread's stack for the host's own frames, above the guest's.
const HOST_STACK_BYTES: usize = 2 << 20;
/// Calls that may wait for a thread.
const WAITING_MAX: usize = 1_024;
/// Bytes of a failure's message that are kept.
const MESSAGE_BYTES_MAX: usize = 1_024;

/// What a filter said of one event, or how it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Send it.
    Deliver,
    /// Do not send it, for this reason.
    Skip(Option<String>),
    /// The filter failed.
    Failed(Failure),
}

/// How a filter failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The class, which is deterministic.
    pub class: ReasonClass,
    /// More about it, for people.
    pub message: String,
}

/// What one call came to and what it cost.
#[derive(Clone, Debug)]
pub(super) struct Called<T> {
    pub(super) result: Result<T, Failure>,
    pub(super) fuel: u64,
    pub(super) duration_us: u64,
}

/// How a call begins.
#[derive(Clone, Copy)]
pub(super) enum Start<'c> {
    /// The instance is told its configuration.
    Configure(&'c str),
    /// The instance is of a snapshot, which has it; the fuel that `configure` used.
    Snapshot { fuel: u64 },
}

impl<'c> Start<'c> {
    /// What an instance that begins so says of events, and has seen no others.
    fn decide(
        self,
        filter: &Filter<Guard>,
        store: &mut Store<Guard>,
        events: &[&[Value]],
    ) -> wasmtime::Result<Vec<Said>> {
        let config = match self {
            Self::Configure(config) => Some(config),
            Self::Snapshot { .. } => None,
        };
        match filter.begin(&mut *store, config)? {
            Ok(instance) => filter.decide(store, instance, events),
            Err(message) => Ok(events.iter().map(|_| Said::Error(message.clone())).collect()),
        }
    }

    /// What is used up before the call begins.
    fn fuel(self) -> u64 {
        match self {
            Self::Configure(_) => 0,
            Self::Snapshot { fuel } => fuel,
        }
    }
}

/// Watches the memory of one call.
pub(super) struct Guard {
    memory_bytes_max: usize,
    has_refused: bool,
}

impl ResourceLimiter for Guard {
    fn memory_growing(&mut self, _current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let is_allowed = desired <= self.memory_bytes_max && maximum.is_none_or(|maximum| desired <= maximum);
        self.has_refused |= !is_allowed;
        Ok(is_allowed)
    }

    fn table_growing(&mut self, _current: usize, _desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

/// Makes calls under the limits, on the thread it is called from.
#[derive(Clone)]
pub(super) struct Caller {
    engines: Arc<Engines>,
    /// The number of the thread's engine.
    engine: usize,
    limits: FilterLimits,
}

impl Caller {
    pub(super) fn new(engines: Arc<Engines>, limits: FilterLimits) -> Self {
        Self { engines, engine: 0, limits }
    }

    /// For the thread of this number.
    pub(super) fn of_thread(&self, number: usize) -> Self {
        Self { engine: number % self.engines.count(), ..self.clone() }
    }

    /// What the filter says of itself; refused if its functions have other types than the interface's.
    pub(super) fn describe(&self, loaded: &Loaded) -> Called<Result<About, Refused>> {
        let filter = loaded.called_from(self.engine);
        self.call(filter, 0, |store| {
            let instance = match filter.instantiate(&mut *store) {
                // Types are compared once there is an instance; what its start did wrong is a trap.
                Err(error) if !error.is::<Trap>() && !store.data().has_refused => {
                    return Ok(Err(Refused::OtherTypes { message: one_line(&error) }));
                }
                instance => instance?,
            };
            let about = instance.hooksieve_filter_sieve().call_describe(&mut *store)?;
            Ok(Ok(about.into()))
        })
    }

    /// The pointers of the fields that the filter wants under `config`, or its refusal.
    pub(super) fn configure(&self, loaded: &Loaded, config: &str) -> Called<Result<Vec<String>, String>> {
        let filter = loaded.called_from(self.engine);
        self.call(filter, 0, |store| filter.configure(store, config))
    }

    /// What `read` makes of an instance that has taken its configuration, without bounds for that.
    pub(super) fn after_configure<T>(
        &self,
        loaded: &Loaded,
        config: &str,
        mut read: impl FnMut(&mut Store<Guard>, Instance) -> wasmtime::Result<T>,
    ) -> wasmtime::Result<T> {
        let filter = loaded.called_from(self.engine);
        let called = self.call_once(filter, 0, &mut |store| {
            let answer = filter.begin(&mut *store, Some(config))?;
            let instance = answer.map_err(wasmtime::Error::msg)?;
            // It may do otherwise with more, and a later failure would be told as this one.
            wasmtime::ensure!(!store.data().has_refused, "it was refused memory");
            store.set_fuel(u64::MAX)?;
            store.set_hostcall_fuel(usize::MAX);
            read(store, instance)
        });
        called.result.map_err(|failure| wasmtime::Error::msg(failure.message))
    }

    /// The verdict on one event, in an instance that has seen no other.
    pub(super) fn decide(&self, loaded: &Loaded, start: Start<'_>, values: &[Value]) -> Called<Decision> {
        let filter = loaded.called_from(self.engine);
        let called = self.call(filter, start.fuel(), |store| start.decide(filter, store, &[values]));
        let result = called.result.map(|mut said| match (said.pop(), said.len()) {
            (Some(one), 0) => self.decision(one),
            (one, others) => {
                let message = format!("{} verdicts on one event", others + usize::from(one.is_some()));
                Decision::Failed(Failure { class: ReasonClass::BadResult, message })
            }
        });
        let result = Ok(result.unwrap_or_else(Decision::Failed));
        Called { result, fuel: called.fuel, duration_us: called.duration_us }
    }

    fn decision(&self, said: Said) -> Decision {
        let fail = |class, message| Decision::Failed(Failure { class, message });
        let max = self.limits.result_bytes_max;
        match said {
            Said::Deliver => Decision::Deliver,
            Said::Skip(Some(text)) | Said::Error(text) if text.len() > max => {
                fail(ReasonClass::BadResult, format!("a reason of {} bytes; at most {max} are allowed", text.len()))
            }
            Said::Skip(reason) => Decision::Skip(reason),
            Said::Error(message) => fail(ReasonClass::Error, message),
        }
    }

    /// Runs `body` on a fresh store. A stop at the deadline with fuel left is the machine's fault, not
    /// the filter's, so the call is made again.
    fn call<T>(
        &self,
        filter: &Filter<Guard>,
        fuel_used: u64,
        mut body: impl FnMut(&mut Store<Guard>) -> wasmtime::Result<T>,
    ) -> Called<T> {
        let mut retries_left = DEADLINE_RETRIES;
        loop {
            let called = self.call_once(filter, fuel_used, &mut body);
            let is_stopped = matches!(&called.result, Err(failure) if failure.class == ReasonClass::Deadline);
            if !is_stopped || retries_left == 0 {
                return called;
            }
            retries_left -= 1;
        }
    }

    fn call_once<T>(
        &self,
        filter: &Filter<Guard>,
        fuel_used: u64,
        body: &mut impl FnMut(&mut Store<Guard>) -> wasmtime::Result<T>,
    ) -> Called<T> {
        let began = Instant::now();
        let guard = Guard { memory_bytes_max: self.limits.memory_bytes_max, has_refused: false };
        let mut store = Store::new(filter.component().engine(), guard);
        store.limiter(|guard| guard);
        // Before instantiating: a start function could loop.
        store.set_fuel(self.limits.fuel.saturating_sub(fuel_used)).expect("the engine is configured to consume fuel");
        store.set_epoch_deadline(Ticker::ticks(self.limits.deadline));
        store.set_hostcall_fuel(HANDOVER_BYTES_MAX);
        let result = body(&mut store).map_err(|error| classify(&error, &store));
        let fuel_left = store.get_fuel().expect("the engine is configured to consume fuel");
        let duration_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        Called { result, fuel: self.limits.fuel - fuel_left.min(self.limits.fuel), duration_us }
    }
}

fn classify(error: &wasmtime::Error, store: &Store<Guard>) -> Failure {
    let class = match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => ReasonClass::Fuel,
        Some(Trap::Interrupt) => ReasonClass::Deadline,
        Some(Trap::StackOverflow) => ReasonClass::StackOverflow,
        _ if store.data().has_refused => ReasonClass::MemoryLimit,
        Some(_) => ReasonClass::Trap,
        // What is not a trap went wrong on the way from the guest to the host: a string that is not
        // UTF-8, a pointer out of bounds, more bytes than may be handed over.
        None => ReasonClass::BadResult,
    };
    Failure { class, message: one_line(error) }
}

/// The innermost cause: the outer ones name the engine's own functions.
pub(super) fn one_line(error: &wasmtime::Error) -> String {
    let mut message = error.root_cause().to_string();
    if message.len() > MESSAGE_BYTES_MAX {
        let end = (0..=MESSAGE_BYTES_MAX).rev().find(|&at| message.is_char_boundary(at)).unwrap_or(0);
        message.truncate(end);
    }
    message.replace('\n', " ")
}

type Job = Box<dyn FnOnce(&Caller) + Send>;

/// Threads on which guests run, so that a guest never holds up an async worker.
pub(super) struct Threads {
    count: usize,
    jobs: Sender<Job>,
    places: Arc<Semaphore>,
}

impl Threads {
    pub(super) fn start(caller: &Caller, count: u32) -> Result<Self, StartError> {
        let (jobs, queue) = crossbeam_channel::bounded::<Job>(WAITING_MAX);
        for number in 0..count as usize {
            let (queue, caller) = (queue.clone(), caller.of_thread(number));
            std::thread::Builder::new()
                .name(format!("filter-{number}"))
                .stack_size(caller.limits.stack_bytes_max + HOST_STACK_BYTES)
                .spawn(move || work(&queue, &caller))
                .map_err(StartError::Thread)?;
        }
        Ok(Self { count: count as usize, jobs, places: Arc::new(Semaphore::new(WAITING_MAX)) })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Runs `job` on one of the threads; see [`Threads::run_each`].
    pub(super) async fn run<T: Send + 'static>(&self, job: impl FnOnce(&Caller) -> T + Send + 'static) -> Option<T> {
        self.run_each(vec![job], |caller, job| job(caller)).await?.pop()
    }

    /// Runs `run` on each item, one after the other on one of the threads. Waits for a place in the queue, then
    /// for the results; there are none if a run panicked, which is the host's fault. What nobody waits
    /// for any more is not begun.
    pub(super) async fn run_each<J: Send + 'static, T: Send + 'static>(
        &self,
        items: Vec<J>,
        run: impl Fn(&Caller, J) -> T + Send + 'static,
    ) -> Option<Vec<T>> {
        let place = Arc::clone(&self.places).acquire_owned().await.expect("the semaphore is never closed");
        let (answer, results) = oneshot::channel();
        let job: Job = Box::new(move |caller| {
            let mut values = Vec::with_capacity(items.len());
            for item in items {
                if answer.is_closed() {
                    return;
                }
                values.push(run(caller, item));
            }
            drop(place);
            // Whoever asked may be gone; then nobody needs the values.
            drop(answer.send(values));
        });
        self.jobs.send(job).expect("the threads live as long as their sender");
        results.await.ok()
    }
}

fn work(queue: &Receiver<Job>, caller: &Caller) {
    for job in queue {
        // A panic here is a bug of the host; it costs this call, not the thread. Nothing that the job
        // could have left half done is used again: every call has its own store.
        drop(std::panic::catch_unwind(AssertUnwindSafe(|| job(caller))));
    }
}
