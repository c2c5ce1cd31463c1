//! The module's memory: first what its initial pages have left, then whatever the host lets it grow.
//!
//! Most verdicts need a few hundred bytes, and find them on the last initial page behind the module's data. So they
//! need no `memory.grow`, which costs system calls and fresh pages in each new instance, and no page of their
//! own: the host resets all pages that an instance has, used or not.

#![expect(unsafe_code, reason = "an allocator's source of memory, and claiming it, are unsafe to promise")]

use core::alloc::Layout;
use core::arch::wasm32;

use talc::base::Talc;
use talc::base::binning::Binning;
use talc::cell::TalcSyncCell;
use talc::source::Source;
use talc::wasm::WasmBinning;

/// A page of WebAssembly memory, in bytes.
const PAGE_BYTES: usize = 64 * 1024;
/// What a heap needs beyond the allocation that it is made for, in bytes; generous.
const HEAP_OVERHEAD_BYTES: usize = 1024;

unsafe extern "C" {
    /// The linker's: its address is where the module's data and stack end.
    static __heap_base: u8;
    /// The linker's: its address is where the initial pages end.
    static __heap_end: u8;
}

#[global_allocator]
static ALLOCATOR: TalcSyncCell<RestThenGrow, WasmBinning> =
    TalcSyncCell::new_wasm(RestThenGrow { has_claimed_rest: false });

/// Where the allocator gets memory from.
#[derive(Debug)]
struct RestThenGrow {
    has_claimed_rest: bool,
}

// SAFETY: it does not allocate, and answers `Ok` only after it has given the allocator new memory.
unsafe impl Source for RestThenGrow {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        if !talc.source.has_claimed_rest {
            talc.source.has_claimed_rest = true;
            let start = &raw const __heap_base;
            let bytes = (&raw const __heap_end).addr() - start.addr();
            // SAFETY: the linker puts nothing between the two, and this is claimed once.
            if unsafe { talc.claim(start.cast_mut(), bytes) }.is_some() {
                return Ok(());
            }
        }
        let bytes = layout
            .size()
            .checked_add(layout.align())
            .and_then(|bytes| bytes.checked_add(HEAP_OVERHEAD_BYTES))
            .ok_or(())?;
        let pages = bytes.div_ceil(PAGE_BYTES);
        let first = wasm32::memory_grow::<0>(pages);
        if first == usize::MAX {
            return Err(());
        }
        // SAFETY: the host has just given us these pages.
        let claimed = unsafe { talc.claim((first * PAGE_BYTES) as *mut u8, pages * PAGE_BYTES) };
        claimed.map(|_| ()).ok_or(())
    }
}
