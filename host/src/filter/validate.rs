//! What an upload must be before it is compiled: bytes in, a component or a refusal out. Pure.
//!
//! A core module is made into a component first. Whatever is wrong is told with the byte, the import or the
//! export that it is about. Types are not compared here: only the engine that runs a filter can do that.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

use super::Refused;
use super::error::plain;
use super::run::MESSAGE_BYTES_MAX;
use super::wit_v0_1_0::{INTERFACE, VERSION};

/// The proposals that are on, as the engine's settings have them: refused here, one that is off is told with its place in the
/// bytes that were uploaded. `MULTI_MEMORY` is what composed components need; the pool has one memory a filter.
const FEATURES: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::COMPONENT_MODEL);
/// Names in one refusal; a module may have a hundred thousand imports.
const NAMES_MAX: usize = 20;
/// Bytes of one of them.
const NAME_BYTES_MAX: usize = 128;

/// An upload that may be compiled.
#[derive(Debug)]
pub struct Valid<'a> {
    /// The component.
    pub component: Cow<'a, [u8]>,
    /// The version of the interface that it exports.
    pub wit_version: String,
}

/// What can be refused without running anything, in words that a child process can pass on.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// See [`Refused::NotWasm`].
    NotWasm,
    /// See [`Refused::Invalid`].
    Invalid {
        /// Where in the upload.
        offset: usize,
        /// What the validator says.
        message: String,
    },
    /// See [`Refused::NoWorld`].
    NoWorld,
    /// See [`Refused::BadWorld`].
    BadWorld {
        /// What the encoder says.
        message: String,
    },
    /// See [`Refused::Imports`].
    Imports {
        /// The imports' names.
        names: Vec<String>,
    },
    /// See [`Refused::NoExport`].
    NoExport {
        /// The exports' names.
        exports: Vec<String>,
    },
    /// See [`Refused::OtherVersion`].
    OtherVersion {
        /// The version it exports.
        version: String,
    },
    /// See [`Refused::CompileFailed`].
    CompileFailed {
        /// What the compiler says.
        message: String,
    },
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotWasm => Self::NotWasm,
            Refusal::Invalid { offset, message } => Self::Invalid { offset, message },
            Refusal::NoWorld => Self::NoWorld,
            Refusal::BadWorld { message } => Self::BadWorld { message },
            Refusal::Imports { names } => Self::Imports { names },
            Refusal::NoExport { exports } => Self::NoExport { exports },
            Refusal::OtherVersion { version } => Self::OtherVersion { version },
            Refusal::CompileFailed { message } => Self::CompileFailed { message },
        }
    }
}

/// Checks an upload.
///
/// # Errors
/// When it is no valid module or component, or its imports and exports are not a filter's.
pub fn validate(wasm: &[u8]) -> Result<Valid<'_>, Refusal> {
    if !wasm.starts_with(b"\0asm") {
        return Err(Refusal::NotWasm);
    }
    check(wasm)?;
    let component = if Parser::is_core_wasm(wasm) { Cow::Owned(encode(wasm)?) } else { Cow::Borrowed(wasm) };
    let wit_version = check_names(&component)?;
    Ok(Valid { component, wit_version })
}

fn check(wasm: &[u8]) -> Result<(), Refusal> {
    Validator::new_with_features(FEATURES).validate_all(wasm).map(drop).map_err(|error| invalid(&error))
}

/// Makes a component from a core module that carries its world in `component-type` sections.
fn encode(module: &[u8]) -> Result<Vec<u8>, Refusal> {
    let (mut has_world, mut imports) = (false, Names::default());
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(|error| invalid(&error))? {
            Payload::CustomSection(section) => has_world |= section.name().starts_with("component-type"),
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.map_err(|error| invalid(&error))?;
                    imports.add(&format!("{}#{}", import.module, import.name));
                }
            }
            _ => {}
        }
    }
    refuse_imports(imports)?;
    if !has_world {
        return Err(Refusal::NoWorld);
    }
    let bad_world = |message: String| Refusal::BadWorld { message: plain(&message, MESSAGE_BYTES_MAX) };
    let encoder = wit_component::ComponentEncoder::default().module(module);
    let component =
        encoder.and_then(|mut encoder| encoder.encode()).map_err(|error| bad_world(format!("{error:#}")))?;
    // An offset in what we have made ourselves would tell its author nothing.
    check(&component).map_err(|_| bad_world("no valid component can be made of it".to_owned()))?;
    Ok(component)
}

fn invalid(error: &wasmparser::BinaryReaderError) -> Refusal {
    Refusal::Invalid { offset: error.offset(), message: plain(error.message(), MESSAGE_BYTES_MAX) }
}

/// Checks the names of a component's imports and exports; answers with the WIT version.
fn check_names(component: &[u8]) -> Result<String, Refusal> {
    let (mut imports, mut exports, mut version) = (Names::default(), Names::default(), None);
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|error| invalid(&error))? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    let name = import.map_err(|error| invalid(&error))?.name.name;
                    // Interfaces that only define types carry no function; a component may name them as imports.
                    if name != format!("hooksieve:filter/types@{VERSION}") {
                        imports.add(name);
                    }
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    let name = export.map_err(|error| invalid(&error))?.name.name;
                    exports.add(name);
                    version = version.or_else(|| name.strip_prefix(INTERFACE)?.strip_prefix('@').map(cut));
                }
            }
            _ => {}
        }
    }
    // First the version: another one imports types of that version.
    match version {
        Some(version) if version != VERSION => Err(Refusal::OtherVersion { version }),
        version => {
            refuse_imports(imports)?;
            version.ok_or_else(|| Refusal::NoExport { exports: exports.all() })
        }
    }
}

fn refuse_imports(imports: Names) -> Result<(), Refusal> {
    match imports.all() {
        names if names.is_empty() => Ok(()),
        names => Err(Refusal::Imports { names }),
    }
}

/// The first names of what may be a long list.
#[derive(Default)]
struct Names {
    told: Vec<String>,
    left_out: usize,
}

impl Names {
    fn add(&mut self, name: &str) {
        if self.told.len() < NAMES_MAX { self.told.push(cut(name)) } else { self.left_out += 1 }
    }

    fn all(mut self) -> Vec<String> {
        if self.left_out > 0 {
            self.told.push(format!("{} more", self.left_out));
        }
        self.told
    }
}

fn cut(name: &str) -> String {
    plain(name, NAME_BYTES_MAX)
}
