//! What can be wrong with a filter, told so that its author knows what to do.

use crate::model::verdict::ReasonClass;
use crate::schema::Flaw;

/// Why an upload or a configuration is refused: the filter author's fault unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The upload is too large.
    #[error("the module has {size_bytes} bytes; at most {max_bytes} are allowed")]
    TooLarge {
        /// Its size.
        size_bytes: usize,
        /// The bound.
        max_bytes: usize,
    },
    /// The upload is not WebAssembly at all.
    #[error("this is not a WebAssembly module or component: it does not begin with `\\0asm`")]
    NotWasm,
    /// The upload is broken WebAssembly or uses a proposal that is off.
    #[error("the module is not valid WebAssembly: {message} (at byte {offset})")]
    Invalid {
        /// Where in the upload.
        offset: usize,
        /// What the validator says.
        message: String,
    },
    /// A core module that says nothing of its world.
    #[error(
        "the module exports no filter: it has no `component-type` section; build it with `hooksieve-sdk` (or with wit-bindgen for the world `hooksieve:filter/filter`)"
    )]
    NoWorld,
    /// A core module that does not fit the world that it claims.
    #[error("the module does not fit its WIT world: {message}")]
    BadWorld {
        /// What the encoder says.
        message: String,
    },
    /// The upload imports something.
    #[error("a filter imports nothing, but this one imports {}", list(.names))]
    Imports {
        /// The imports' names.
        names: Vec<String>,
    },
    /// The upload does not export the interface.
    #[error("the module exports no `hooksieve:filter/sieve`; its exports are {}", list(.exports))]
    NoExport {
        /// The exports' names.
        exports: Vec<String>,
    },
    /// The upload exports another version of the interface.
    #[error("the module exports `hooksieve:filter/sieve@{version}`; this host runs version 0.1.0")]
    OtherVersion {
        /// The version it exports.
        version: String,
    },
    /// The exported functions have other types than the interface's.
    #[error("the module's `hooksieve:filter/sieve` has other types than version 0.1.0: {message}")]
    OtherTypes {
        /// What differs.
        message: String,
    },
    /// Compiling took too much.
    #[error("the module cannot be compiled within {what}")]
    CompileLimit {
        /// The bound that it ran into.
        what: String,
    },
    /// The compiler refused it.
    #[error("the module cannot be compiled: {message}")]
    CompileFailed {
        /// What the compiler says.
        message: String,
    },
    /// It wants more than an instance can have.
    #[error("the module asks for more than a filter may have: {message}")]
    TooMuch {
        /// Of what, and how much.
        message: String,
    },
    /// `describe` or `configure` failed.
    #[error("`{function}` failed ({}): {message}", .class.as_str())]
    Failed {
        /// Which function.
        function: &'static str,
        /// The class of the failure.
        class: ReasonClass,
        /// More about it.
        message: String,
    },
    /// `describe` answered with what cannot be kept.
    #[error("what the filter says of itself cannot be kept: its `{field}` {message}")]
    About {
        /// Which field of `about`.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The configuration does not meet the schema that the filter publishes.
    #[error("the configuration does not meet the filter's schema: {}", first(.flaws))]
    ConfigSchema {
        /// Where, and what is wrong there; at least one.
        flaws: Vec<Flaw>,
    },
    /// `configure` refused the configuration.
    #[error("the filter refuses its configuration: {message}")]
    Config {
        /// In the filter's words.
        message: String,
    },
    /// `configure` declared a field that cannot be projected.
    #[error("the filter declares the field `{pointer}`: {message}")]
    Field {
        /// The pointer.
        pointer: String,
        /// What is wrong with it.
        message: String,
    },
    /// The compiled filter is neither cached nor can its bytes be found: the host's fault.
    #[error("the filter's bytes are missing")]
    Missing,
    /// The compiled filter is gone, as after an upgrade, and is being made again: the host's fault, for a while.
    #[error("the filter is being compiled again")]
    Compiling,
    /// The host could not run the compiler, or could not load what it made: the host's fault.
    #[error("the filter could not be prepared: {message}")]
    Host {
        /// What happened.
        message: String,
    },
}

impl Refused {
    /// Whether the host is at fault, not the filter's author.
    #[must_use]
    pub fn is_hosts_fault(&self) -> bool {
        matches!(self, Self::Missing | Self::Compiling | Self::Host { .. })
    }

    /// The class of the failure on an event, where the filter took its configuration once and does not now.
    #[must_use]
    pub fn class(&self) -> ReasonClass {
        match self {
            Self::Failed { class, .. } => *class,
            _ => ReasonClass::Error,
        }
    }
}

/// The first flaw, in the form in which the SDK tells its own.
fn first(flaws: &[Flaw]) -> String {
    match flaws {
        [Flaw { pointer, detail }, ..] if pointer.is_empty() => detail.clone(),
        [Flaw { pointer, detail }, ..] => format!("{pointer}: {detail}"),
        [] => String::new(),
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// What an author wrote, or an engine that repeats it, as a refusal may have it: its beginning, on one line, and with control
/// characters as escapes, since somebody's terminal shows it.
pub(super) fn plain(text: &str, bytes_max: usize) -> String {
    let mut plain = String::new();
    for character in text[..text.floor_char_boundary(bytes_max)].chars() {
        match character {
            '\n' => plain.push(' '),
            control if control.is_control() => plain.extend(control.escape_default()),
            character => plain.push(character),
        }
    }
    // Escapes are longer than what they stand for.
    plain.truncate(plain.floor_char_boundary(bytes_max));
    plain
}

/// Why the filter room cannot open.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The WebAssembly engine cannot be set up with these limits on this machine.
    #[error("the WebAssembly engine cannot be set up")]
    Engine(#[source] wasmtime::Error),
    /// The folder for compiled filters cannot be used.
    #[error("the folder for compiled filters {path} cannot be used")]
    Cache {
        /// Which folder.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A thread cannot be started.
    #[error("a thread for filters cannot be started")]
    Thread(#[source] std::io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_refusal_repeats_is_short_and_moves_no_cursor() {
        assert_eq!(plain("a\u{1b}[2J\r\u{9b}1A\n\u{7f}ü", 100), "a\\u{1b}[2J\\r\\u{9b}1A \\u{7f}ü");
        assert_eq!(plain("äöü", 3), "ä");
        assert_eq!(plain("\0\0\0", 7), "\\u{0}\\u");
    }
}
