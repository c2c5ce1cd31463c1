//! Which event type somebody meant. Pure.

use crate::model::limits::EVENT_TYPE_CHARS_MAX;

/// Of how many characters of a name one may be wrong.
const CHARS_PER_MISTAKE: usize = 4;
/// How many may be wrong in all: long names have words in common that say little.
const MISTAKES_MAX: usize = 3;

/// What the guide calls the things that the names of types call `TODO`.
const WORDS: (&str, &str) = ("RECORD_", "TODO_");

/// The type that was probably meant: one that differs by a few characters, or the only one that goes on
/// where the name ends. A name that is like none of them gets no suggestion, which would only mislead.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > EVENT_TYPE_CHARS_MAX {
        return None;
    }
    let name = name.trim().to_uppercase().replace(['-', ' ', '.'], "_");
    let name = match name.strip_prefix(WORDS.0) {
        Some(rest) => format!("{}{rest}", WORDS.1),
        None => name,
    };
    let known: Vec<&str> = known.collect();
    let mistakes_max = (name.len() / CHARS_PER_MISTAKE).min(MISTAKES_MAX);
    let mistakes = |known: &&str| strsim::osa_distance(known, &name);
    let near = known.iter().copied().min_by_key(mistakes).filter(|near| mistakes(near) <= mistakes_max);
    let begun = format!("{}_", name.trim_end_matches('_'));
    let mut longer = known.iter().copied().filter(|known| known.starts_with(&begun));
    near.or_else(|| longer.next().filter(|_| longer.next().is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalogue::Catalogue;

    fn suggested(name: &str) -> Option<String> {
        let catalogue = Catalogue::built_in();
        let known = catalogue.types().iter().map(|info| info.name.as_str());
        nearest(name, known.chain(["INVOICE_PAID"])).map(str::to_owned)
    }

    #[test]
    fn a_slip_is_answered_with_the_name_that_was_meant() {
        for (name, meant) in [
            ("TODO_CREATE", "TODO_CREATED"),
            ("TODO_CRAETED", "TODO_CREATED"),
            ("todo_created", "TODO_CREATED"),
            ("todo.created", "TODO_CREATED"),
            ("RECORD_CREATED", "TODO_CREATED"),
            ("RECORD_MOVED", "TODO_MOVED"),
            ("TODO_DONE", "TODO_DONE_STATUS_UPDATED"),
            ("COMMENT_UPDATE", "COMMENT_UPDATED"),
            ("INVOICES_PAID", "INVOICE_PAID"),
        ] {
            assert_eq!(suggested(name).as_deref(), Some(meant), "{name}");
        }
    }

    #[test]
    fn a_name_that_is_like_none_is_answered_with_none() {
        let long = "TODO_CREATED".repeat(100);
        for name in
            ["", "X", "NOPE", "ORDER_SHIPPED", "TODO", "TODO_CHECKLIST_ITEM_DUE_DATE", "CUSTOMER_CREATED", &long]
        {
            assert_eq!(suggested(name), None, "{name}");
        }
    }
}
