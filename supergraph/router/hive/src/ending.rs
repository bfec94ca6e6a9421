//! Ends the process when its graceful end takes too long.
//!
//! The listener of the metrics waits half a minute for whoever reads none of them, while nobody is served any more.

use std::{process, thread, time::Duration};

use tokio::{
    runtime::Builder,
    signal::unix::{signal, SignalKind},
};

/// More than `http.shutdown_timeout`, and less than those who start the router wait before they kill it.
const LONGEST: Duration = Duration::from_secs(15);

/// Begins to wait for SIGTERM. On a thread of its own, which nothing that hangs can hold up.
pub fn end_in_time() {
    thread::spawn(|| {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .build()
            .expect("a runtime for signals");
        runtime.block_on(async {
            signal(SignalKind::terminate())
                .expect("a handler for SIGTERM")
                .recv()
                .await
        });
        thread::sleep(LONGEST);
        eprintln!("not all connections ended within {} s of SIGTERM", LONGEST.as_secs());
        process::exit(0);
    });
}
