//! Modules that cost a compiler far more time or memory than their size says.

use super::{Expected, Row};
use crate::guests::{HandWritten, slow_to_compile};

/// Instructions of one function: WebAssembly bounds its bytes.
const LINES_MAX: usize = 600_000;
/// Parameters, and results, of one function or block.
const WIDTH: usize = 1_000;
/// Types of one module.
const TYPES_MAX: usize = 900_000;

/// A module that can be made larger.
pub struct Bomb {
    name: &'static str,
    make: fn(usize) -> Vec<u8>,
}

pub const ALL: [Bomb; 12] = [
    Bomb { name: "one long function", make: straight_line },
    Bomb { name: "loops inside each other", make: nested_loops },
    Bomb { name: "blocks inside each other, each left to all around it", make: nested_branches },
    Bomb { name: "blocks of a thousand parameters", make: block_parameters },
    Bomb { name: "calls of a thousand arguments", make: wide_calls },
    Bomb { name: "fifty thousand locals", make: many_locals },
    Bomb { name: "locals that meet after each branch", make: meeting_locals },
    Bomb { name: "one jump to everywhere", make: jump_table },
    Bomb { name: "many types", make: many_types },
    Bomb { name: "many functions", make: |size| slow_to_compile(250 * size) },
    Bomb { name: "many data segments", make: data_segments },
    Bomb { name: "much data", make: much_data },
];

impl Bomb {
    pub fn row(&self, size: usize) -> Row {
        Row::new(self.name, (self.make)(size), Expected::Bounded)
    }
}

fn module(extra: &str) -> Vec<u8> {
    HandWritten::with(extra).module()
}

fn straight_line(size: usize) -> Vec<u8> {
    let line = "local.get 0 i64.const 31 i64.mul local.get 0 i64.rotl local.set 0\n";
    module(&format!("(func (param i64) (result i64) {} local.get 0)", line.repeat((40_000 * size).min(LINES_MAX))))
}

fn nested_loops(size: usize) -> Vec<u8> {
    let depth = 2_000 * size;
    let inside = "local.get 0 i64.const 1 i64.add local.tee 0 i64.eqz br_if 0 end\n".repeat(depth);
    module(&format!("(func (param i64) {} {inside})", "loop\n".repeat(depth)))
}

fn nested_branches(size: usize) -> Vec<u8> {
    let depth = (600 * size.isqrt()).min(2_400);
    let mut body = "block\n".repeat(depth);
    for inside in (1..=depth).rev() {
        let targets: String = (0..inside).map(|target| format!(" {target}")).collect();
        body.push_str(&format!("local.get 0 i32.eqz if local.get 0 br_table {targets} end end\n"));
    }
    module(&format!("(func (param i32) {body})"))
}

fn block_parameters(size: usize) -> Vec<u8> {
    let (types, values) = ("i64 ".repeat(WIDTH), "i64.const 1 ".repeat(WIDTH));
    let blocks = "block (type $wide) end\n".repeat(2_000 * size);
    module(&format!(
        "(type $wide (func (param {types}) (result {types}))) (func {values} {blocks} {})",
        "drop ".repeat(WIDTH)
    ))
}

fn wide_calls(size: usize) -> Vec<u8> {
    let (types, values) = ("i64 ".repeat(WIDTH), "local.get 0 ".repeat(WIDTH));
    let calls = format!("{values} call $wide\n").repeat((300 * size).min(LINES_MAX / WIDTH));
    let caller = format!("(func (param i64) {calls})");
    module(&format!("(func $wide (param {types})) {}", caller.repeat(size.div_ceil(2))))
}

fn many_locals(size: usize) -> Vec<u8> {
    let locals = "i64 ".repeat(49_000);
    let used: String =
        (0..49_000).step_by(7).map(|local| format!("local.get {local} local.set {}\n", local + 1)).collect();
    module(&format!("(func (local {locals}) loop {used} br 0 end)").repeat(2 * size))
}

fn meeting_locals(size: usize) -> Vec<u8> {
    let sets: String =
        (1..200).map(|local| format!("local.get {local} i64.const {local} i64.add local.set {local}\n")).collect();
    let branch = format!("local.get 0 i64.eqz if {sets} end\n");
    let function = format!("(func (param i64) (local {}) loop {} br 0 end)", "i64 ".repeat(200), branch.repeat(100));
    module(&function.repeat(size))
}

fn jump_table(size: usize) -> Vec<u8> {
    let depth = (2_000 * size).min(30_000);
    let targets: String = (0..depth).map(|target| format!(" {target}")).collect();
    let after = "local.get 0 i32.const 1 i32.add local.set 0 end\n".repeat(depth);
    module(&format!("(func (param i32) {} local.get 0 br_table {targets} {after})", "block\n".repeat(depth)))
}

fn many_types(size: usize) -> Vec<u8> {
    let mut types = String::new();
    for number in 0..(20_000 * size).min(TYPES_MAX) {
        let parameters: String = (0..20).map(|bit| if number >> bit & 1 == 0 { " i32" } else { " i64" }).collect();
        types.push_str(&format!("(type (func (param {parameters})))\n"));
    }
    module(&types)
}

fn data_segments(size: usize) -> Vec<u8> {
    module(&"(data (i32.const 60000) \"x\")".repeat((10_000 * size).min(90_000)))
}

fn much_data(size: usize) -> Vec<u8> {
    let extra = format!(
        "(memory (export \"memory\") 512) (data (i32.const 65536) \"{}\")",
        "0123456789abcdef".repeat(size * (3 << 18) / 16)
    );
    HandWritten { extra, ..HandWritten::default() }.module()
}
