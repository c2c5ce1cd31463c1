//! How much fuel the filters of one owner may use for one event, and where it ends. Pure.
//!
//! What is charged does not depend on how fast the machine is or how many calls it makes side by side:
//! answers count in the order of the webhooks' ids, and whether one counts follows from those before it.
//! So the same event ends at the same webhook everywhere.

use std::pin::pin;

use futures_util::{Stream, StreamExt};

use crate::filter::{Decision, Evaluation, Failure, Refused};
use crate::model::limits::OWNER_FUEL_PER_EVENT_FACTOR;
use crate::model::verdict::ReasonClass;

/// Fuel that is left to one owner's filters for one event.
#[derive(Debug)]
pub(super) struct Budget {
    left: u64,
    whole_call: u64,
}

impl Budget {
    /// The budget where one call may use `whole_call`.
    pub(super) fn new(whole_call: u64) -> Self {
        Self { left: whole_call.saturating_mul(OWNER_FUEL_PER_EVENT_FACTOR), whole_call }
    }

    /// Takes answers in their order until the budget is used up. Where there are fewer of them than
    /// questions, the rest got none.
    pub(super) async fn take<A>(
        &mut self,
        answers: impl Stream<Item = Result<A, Refused>>,
        fuel: impl Fn(&A) -> Fuel,
    ) -> Vec<Result<A, Refused>> {
        let mut answers = pin!(answers);
        let mut taken = Vec::new();
        while self.left > 0
            && let Some(answer) = answers.next().await
        {
            let fuel = match &answer {
                Ok(answer) => fuel(answer),
                Err(refused) if refused.is_hosts_fault() => Fuel::Used(0),
                // How much it used up to its failure is not known.
                Err(_) => Fuel::WholeCall,
            };
            self.charge(fuel);
            taken.push(answer);
        }
        taken
    }

    fn charge(&mut self, fuel: Fuel) {
        let used = match fuel {
            Fuel::Used(used) => used,
            Fuel::WholeCall => self.whole_call,
        };
        self.left = self.left.saturating_sub(used);
    }
}

/// What a call is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fuel {
    /// What it used.
    Used(u64),
    /// As much as a call may use.
    WholeCall,
}

/// What a verdict is charged. A stop at the deadline held a thread for long, whatever fuel it left.
pub(super) fn fuel_of(evaluation: &Evaluation) -> Fuel {
    match &evaluation.decision {
        Decision::Failed(Failure { class: ReasonClass::Deadline, .. }) => Fuel::WholeCall,
        _ => Fuel::Used(evaluation.fuel),
    }
}

/// What a webhook is told that comes after the end of its owner's budget.
pub(super) fn used_up() -> Evaluation {
    let message = "the filters of this webhook's owner used up the fuel for one event".to_owned();
    let decision = Decision::Failed(Failure { class: ReasonClass::Fuel, message });
    Evaluation { decision, fuel: 0, duration_us: 0 }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    const CALL: u64 = 1_000;
    const WHOLE: u64 = CALL * OWNER_FUEL_PER_EVENT_FACTOR;

    async fn taken(budget: &mut Budget, answers: Vec<Result<u64, Refused>>) -> usize {
        budget.take(stream::iter(answers), |&fuel| Fuel::Used(fuel)).await.len()
    }

    #[tokio::test]
    async fn an_answer_counts_if_those_before_it_left_anything() {
        let mut budget = Budget::new(CALL);

        assert_eq!(taken(&mut budget, vec![Ok(WHOLE - 1), Ok(CALL), Ok(0), Ok(0)]).await, 2);
        assert_eq!(taken(&mut budget, vec![Ok(0)]).await, 0, "what is used up stays so");
    }

    #[tokio::test]
    async fn a_budget_that_is_not_used_up_takes_all_and_goes_on() {
        let mut budget = Budget::new(CALL);

        assert_eq!(taken(&mut budget, vec![Ok(1); 500]).await, 500);
        assert_eq!(taken(&mut budget, vec![Ok(WHOLE - 501), Ok(1), Ok(1)]).await, 2);
    }

    #[tokio::test]
    async fn a_refusal_costs_a_whole_call_unless_the_host_is_at_fault() {
        let of_author = || Err(Refused::Config { message: String::new() });
        let whole_calls = usize::try_from(OWNER_FUEL_PER_EVENT_FACTOR).unwrap();

        assert_eq!(taken(&mut Budget::new(CALL), (0..200).map(|_| of_author()).collect()).await, whole_calls);
        assert_eq!(taken(&mut Budget::new(CALL), vec![Err(Refused::Missing); 200]).await, 200);
    }

    #[test]
    fn a_stop_at_the_deadline_costs_a_whole_call() {
        let stopped = |class| {
            let failure = Failure { class, message: String::new() };
            Evaluation { decision: Decision::Failed(failure), fuel: 7, duration_us: 0 }
        };

        assert_eq!(fuel_of(&stopped(ReasonClass::Deadline)), Fuel::WholeCall);
        assert_eq!(fuel_of(&stopped(ReasonClass::Trap)), Fuel::Used(7));
    }
}
