//! The module's memory: a small arena first, then whatever the host lets it grow.
//!
//! Most verdicts need a few hundred bytes. The arena is part of the module's initial memory, so they need no
//! `memory.grow`, which costs a system call and fresh pages in each new instance.

#![expect(unsafe_code, reason = "an allocator's source of memory, and claiming it, are unsafe to promise")]

use core::alloc::Layout;
use core::arch::wasm32;
use core::mem::MaybeUninit;

use talc::base::Talc;
use talc::base::binning::Binning;
use talc::cell::TalcSyncCell;
use talc::source::Source;
use talc::wasm::WasmBinning;

/// The arena's size, in bytes.
const ARENA_BYTES: usize = 64 * 1024;
/// A page of WebAssembly memory, in bytes.
const PAGE_BYTES: usize = 64 * 1024;
/// What a heap needs beyond the allocation that it is made for, in bytes; generous.
const HEAP_OVERHEAD_BYTES: usize = 1024;

static mut ARENA: [MaybeUninit<u8>; ARENA_BYTES] = [MaybeUninit::uninit(); ARENA_BYTES];

#[global_allocator]
static ALLOCATOR: TalcSyncCell<ArenaThenGrow, WasmBinning> =
    TalcSyncCell::new_wasm(ArenaThenGrow { has_claimed_arena: false });

/// Where the allocator gets memory from.
#[derive(Debug)]
struct ArenaThenGrow {
    has_claimed_arena: bool,
}

// SAFETY: it does not allocate, and answers `Ok` only after it has given the allocator new memory.
unsafe impl Source for ArenaThenGrow {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        if !talc.source.has_claimed_arena {
            talc.source.has_claimed_arena = true;
            // SAFETY: nothing else refers to the arena, and it is claimed once.
            let claimed = unsafe { talc.claim((&raw mut ARENA).cast(), ARENA_BYTES) };
            return claimed.map(|_| ()).ok_or(());
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
