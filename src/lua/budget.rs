//! What one run of a script may take: instructions and time. A budget that is spent stays spent until the next run, so
//! that no script goes on by catching the error that ends it.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What a run is told when it has taken too much.
pub const SPENT: &str = "the script was stopped: it took more instructions or time than a script may take";

/// Every so many instructions the hook looks at the budget. A single one may copy as much as the memory limit, so
/// that fewer would let a run take much longer than its time.
pub const TICK: u32 = 100;

/// The limits of one run.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub instructions: i64,
    pub time: Duration,
}

/// Loading a plugin: its chunks run once.
pub const LOADING: Limits = Limits { instructions: 20_000_000, time: Duration::from_secs(3) };
/// Judging a value: this happens while a client waits.
pub const JUDGING: Limits = Limits { instructions: 5_000_000, time: Duration::from_secs(1) };

/// The budget of a machine.
pub struct Budget {
    began: Instant,
    /// Instructions that are left.
    left: AtomicI64,
    /// The end of the run in nanoseconds since `began`.
    deadline: AtomicU64,
    spent: AtomicBool,
    /// How many functions of the libraries are waiting for functions of scripts.
    depth: AtomicUsize,
}

/// How deep functions of the libraries may call scripts that call such functions. Each of them takes room on the
/// thread's own stack, which Lua does not watch.
const DEEPEST: usize = 32;

impl Budget {
    /// A budget of nothing.
    pub fn new() -> Budget {
        Budget {
            began: Instant::now(),
            left: AtomicI64::new(0),
            deadline: AtomicU64::new(0),
            spent: AtomicBool::new(true),
            depth: AtomicUsize::new(0),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Begins a run.
    pub fn begin(&self, limits: Limits) {
        let time = u64::try_from(limits.time.as_nanos()).unwrap_or(u64::MAX);
        self.left.store(limits.instructions, Ordering::Relaxed);
        self.deadline.store(self.now().saturating_add(time), Ordering::Relaxed);
        self.spent.store(false, Ordering::Relaxed);
        self.depth.store(0, Ordering::Relaxed);
    }

    /// Takes what work costs that no instruction shows; one unit is about eight bytes looked at.
    pub fn charge(&self, units: usize) -> mlua::Result<()> {
        let units = i64::try_from(units).unwrap_or(i64::MAX);
        let left = self.left.fetch_sub(units.min(i64::MAX / 4), Ordering::Relaxed);
        if left < units || self.now() > self.deadline.load(Ordering::Relaxed) {
            self.left.store(0, Ordering::Relaxed);
            self.spent.store(true, Ordering::Relaxed);
        }
        self.check()
    }

    /// Ends a run whose budget is spent.
    pub fn check(&self) -> mlua::Result<()> {
        match self.spent.load(Ordering::Relaxed) {
            true => Err(mlua::Error::runtime(SPENT)),
            false => Ok(()),
        }
    }

    /// A function of the libraries is about to call a script; gives the depth to come back to.
    pub fn enter(&self) -> mlua::Result<usize> {
        let before = self.depth.load(Ordering::Relaxed);
        if before >= DEEPEST {
            return Err(mlua::Error::runtime(
                "stack overflow (functions of the libraries call each other too deeply)",
            ));
        }
        self.depth.store(before + 1, Ordering::Relaxed);
        Ok(before)
    }

    /// The script has come back, or something it raised went by.
    pub fn leave(&self, before: usize) {
        self.depth.store(before, Ordering::Relaxed);
    }
}
