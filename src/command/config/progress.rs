//! A bar for work that takes a while, on a terminal only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use silverback::store::Progress;

/// How often the bar is drawn; work that ends before that has none.
const TICK: Duration = Duration::from_millis(200);

/// Waits for work, and shows how far it is.
pub async fn shown<T>(progress: &Progress, work: impl Future<Output = T>) -> T {
    // Where the standard error is no terminal, nothing is drawn.
    let bar = ProgressBar::new_spinner();
    tokio::pin!(work);
    let mut ticks = tokio::time::interval(TICK);
    ticks.tick().await;
    let mut counts = false;
    loop {
        tokio::select! {
            result = &mut work => {
                bar.finish_and_clear();
                return result;
            }
            _ = ticks.tick() => {
                let all = progress.all();
                if all > 0 && !counts {
                    counts = true;
                    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} {eta}") {
                        bar.set_style(style);
                    }
                }
                bar.set_length(u64::try_from(all).unwrap_or_default());
                bar.set_position(u64::try_from(progress.done()).unwrap_or_default());
                bar.tick();
            }
        }
    }
}
