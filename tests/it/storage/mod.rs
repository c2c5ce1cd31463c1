//! What becomes of accepted events when the storage gives trouble: a full disk, one that is read-only, fails or
//! loses what was not synced, files that were spoiled.
//!
//! The real program runs on a real file system. [`disk`] makes small ones, which takes `unshare` and `nsenter` of
//! util-linux and a machine that lets its users have namespaces; [`traced`] has `strace` inject failures into
//! system calls and write them down.

mod disk;
mod full;
mod power_cut;
mod record;
mod refused;
mod syscalls;
mod traced;
