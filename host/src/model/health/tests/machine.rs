//! A webhook's standing beside a naive account of the same history: attempts that end in any order, owners who edit and
//! disable, health checks that fail, and a clock that jumps, forth and back.

use proptest::prelude::*;

use super::*;

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    /// An attempt that took so many seconds ends with a failure.
    Fails { took_secs: u64, is_gone: bool, is_exhausted: bool, asked_secs: Option<u64> },
    /// An attempt ends with a success.
    Succeeds,
    /// The owner edits it: whether it is enabled then, and whether its URL is another one.
    Edit { is_enabled: bool, is_url_new: bool },
    /// The owner disables it.
    Disable,
    /// It was to be enabled, and the health check fails.
    CheckFails,
    /// Seconds pass, or the clock is put back.
    Pass(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fails =
        (0_u64..40, prop::bool::weighted(0.03), prop::bool::weighted(0.1), prop::option::weighted(0.2, 1_u64..90_000));
    let fails = fails.prop_map(|(took_secs, is_gone, is_exhausted, asked_secs)| Step::Fails {
        took_secs,
        is_gone,
        is_exhausted,
        asked_secs,
    });
    let edit = (prop::bool::weighted(0.8), prop::bool::weighted(0.3))
        .prop_map(|(is_enabled, is_url_new)| Step::Edit { is_enabled, is_url_new });
    let step = prop_oneof![
        12 => fails,
        2 => Just(Step::Succeeds),
        2 => edit,
        1 => Just(Step::Disable),
        1 => Just(Step::CheckFails),
        6 => (-4_000_i64..100_000).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..80)
}

/// What must come out, counted the simplest way there is.
#[derive(Debug, PartialEq)]
struct Account {
    is_enabled: bool,
    is_sick: bool,
    failures: u32,
    failing_since: Option<Timestamp>,
}

const NOTHING_YET: Account = Account { is_enabled: true, is_sick: false, failures: 0, failing_since: None };

impl Account {
    fn of(standing: &Standing) -> Self {
        Self {
            is_enabled: standing.is_enabled,
            is_sick: standing.health == Health::Unhealthy,
            failures: standing.failures_in_a_row,
            failing_since: standing.trouble.failing_since,
        }
    }

    fn play(&mut self, step: &Step, at: Timestamp) {
        match step {
            Step::Fails { is_gone, is_exhausted, .. } => {
                self.failures += 1;
                let since = *self.failing_since.get_or_insert(at);
                self.is_sick |= self.is_enabled && (*is_gone || *is_exhausted || self.failures >= 5);
                self.is_enabled &= !(*is_gone || (self.is_sick && at.since(since) >= DISABLED_AFTER));
            }
            Step::Succeeds => {
                (self.failures, self.failing_since) = (0, None);
                self.is_sick &= !self.is_enabled;
            }
            Step::Edit { is_enabled: true, .. } if !self.is_enabled => *self = NOTHING_YET,
            Step::Edit { is_enabled, is_url_new } => {
                self.is_enabled = *is_enabled;
                if *is_url_new {
                    (self.failures, self.failing_since) = (0, None);
                }
            }
            Step::Disable | Step::CheckFails => (self.is_enabled, self.is_sick) = (false, true),
            Step::Pass(_) => {}
        }
    }
}

fn play(standing: &Standing, step: &Step, at: Timestamp) -> Standing {
    match step {
        Step::Fails { took_secs, is_gone, is_exhausted, asked_secs } => {
            let asked_until = asked_secs.map(|secs| at + Duration::from_secs(secs));
            let started_at = at - Duration::from_secs(*took_secs);
            let (is_gone, is_exhausted) = (*is_gone, *is_exhausted);
            standing.after(&Answer { started_at, is_gone, is_exhausted, asked_until, ..bad(at) }, &RULES)
        }
        Step::Succeeds => standing.after(&good(at), &RULES),
        Step::Edit { is_enabled, is_url_new } => standing.edited(*is_enabled, *is_url_new),
        Step::Disable => standing.disabled_by_owner(at),
        Step::CheckFails => standing.check_failed(failure(at)),
        Step::Pass(_) => standing.clone(),
    }
}

proptest! {
    #[test]
    fn a_standing_is_what_its_history_makes_it(steps in steps()) {
        let (mut account, mut standing, mut at) = (NOTHING_YET, fresh(), start());
        for step in &steps {
            if let Step::Pass(secs) = step {
                let passed = Duration::from_secs(secs.unsigned_abs());
                at = if *secs < 0 { at - passed } else { at + passed };
            }
            let before = standing.clone();
            standing = play(&before, step, at);
            account.play(step, at);

            prop_assert_eq!(&Account::of(&standing), &account, "after {:?}", step);
            let (hold, former) = (held_until(&standing), held_until(&before));
            prop_assert!(standing.is_enabled || hold.is_none());
            prop_assert_eq!(standing.is_enabled, standing.trouble.disabled.is_none());
            prop_assert!(standing.reason().is_some() == (account.is_sick || !account.is_enabled));
            let Step::Fails { asked_secs, .. } = step else { continue };
            if standing.is_enabled {
                prop_assert!(former.is_none_or(|former| former <= at || hold >= Some(former)), "a hold was shortened");
                let asked = asked_secs.map(|secs| at + Duration::from_secs(secs));
                prop_assert!(asked.is_none_or(|asked| hold >= Some(asked)));
                prop_assert!(before.health == standing.health || hold > Some(at), "it became sick and is not held");
                let longest = [Some(at + PROBE_INTERVALS[4].mul_f64(1.5)), asked, former].into_iter().flatten().max();
                prop_assert!(hold <= longest);
            }
        }
    }
}
