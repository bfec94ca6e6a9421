//! Hive Router with our plugins. They do what no setting of it can; hive-router.yaml configures them, so that
//! a router without them refuses to start.

// As hive-router's own main needs it.
#![recursion_limit = "256"]

mod client_address;
mod max_characters;
mod max_errors;
mod max_fields;

use hive_router::{
    configure_global_allocator, error::RouterInitError, init_rustls_crypto_provider, ntex,
    router_entrypoint, PluginRegistry, RouterGlobalAllocator,
};

configure_global_allocator!();

#[hive_router::main]
async fn main() -> Result<(), RouterInitError> {
    init_rustls_crypto_provider();
    router_entrypoint(
        PluginRegistry::new()
            .register::<max_characters::MaxCharacters>()
            .register::<max_fields::MaxFields>()
            .register::<max_errors::MaxErrors>()
            .register::<client_address::ClientAddress>(),
    )
    .await
}
