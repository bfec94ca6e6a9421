//! Hive Router with our plugins. They do what no setting of it can; hive-router.yaml configures them, so that
//! a router without them refuses to start.

// As hive-router's own main needs it.
#![recursion_limit = "256"]

mod aliases;
mod client_address;
mod ending;
mod max_characters;
mod max_errors;
mod max_fields;
mod retry_reads;
mod syntax_errors;
mod values;

use aliases::Aliases;
use client_address::ClientAddress;
use hive_router::{
    configure_global_allocator, error::RouterInitError, init_rustls_crypto_provider, ntex,
    plugins::plugin_trait::RouterPlugin, router_entrypoint, PluginRegistry, RouterGlobalAllocator,
};
use max_characters::MaxCharacters;
use max_errors::MaxErrors;
use max_fields::MaxFields;
use retry_reads::RetryReads;
use syntax_errors::SyntaxErrors;

configure_global_allocator!();

/// `hive_router plugins` tells which ones it has, for whoever is to start it; without arguments it serves.
#[hive_router::main]
async fn main() -> Result<(), RouterInitError> {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == "plugins") {
        for name in [
            MaxCharacters::plugin_name(),
            MaxFields::plugin_name(),
            MaxErrors::plugin_name(),
            ClientAddress::plugin_name(),
            RetryReads::plugin_name(),
            SyntaxErrors::plugin_name(),
            Aliases::plugin_name(),
        ] {
            println!("{name}");
        }
        return Ok(());
    }
    init_rustls_crypto_provider();
    ending::end_in_time();
    router_entrypoint(
        PluginRegistry::new()
            .register::<MaxCharacters>()
            .register::<MaxFields>()
            .register::<MaxErrors>()
            .register::<ClientAddress>()
            .register::<RetryReads>()
            .register::<SyntaxErrors>()
            .register::<Aliases>(),
    )
    .await
}
