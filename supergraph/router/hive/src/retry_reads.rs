//! Sends a query to a subgraph once more whose connection broke before there was an answer.
//!
//! That happens whenever a subgraph is replaced or restarts, and a query may be asked twice without harm. A mutation
//! may not: where its connection broke it may have taken effect. The second attempt is a part of the first one's call:
//! both together have the subgraph's timeout, and for the circuit breaker they are one, failed only if both are.

use std::{
    error::Error,
    io::{self, ErrorKind},
    time::{Duration, Instant},
};

use futures::stream::BoxStream;
use hive_router::{
    async_trait,
    executor::{
        executors::{
            common::{SubgraphExecutionRequest, SubgraphExecutor, SubgraphExecutorBoxedArc},
            error::SubgraphExecutorError,
        },
        response::subgraph_response::SubgraphResponse,
    },
    http::Uri,
    humantime_serde,
    plugins::{
        hooks::{
            on_plugin_init::{OnPluginInitPayload, OnPluginInitResult},
            on_subgraph_execute::{OnSubgraphExecuteStartHookPayload, OnSubgraphExecuteStartHookResult},
        },
        plugin_context::PluginRequestState,
        plugin_trait::{RouterPlugin, StartHookPayload},
    },
    telemetry::external_wait,
    tokio::time::sleep,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryReads {
    #[serde(deserialize_with = "humantime_serde::deserialize")]
    after: Duration,
}

#[async_trait]
impl RouterPlugin for RetryReads {
    type Config = RetryReads;

    fn plugin_name() -> &'static str {
        "retry_reads"
    }

    fn on_plugin_init(payload: OnPluginInitPayload<Self>) -> OnPluginInitResult<Self> {
        let configured = payload.config()?;
        payload.initialize_plugin(configured)
    }

    async fn on_subgraph_execute<'exec>(
        &'exec self,
        mut payload: OnSubgraphExecuteStartHookPayload<'exec>,
    ) -> OnSubgraphExecuteStartHookResult<'exec> {
        if is_query(payload.execution_request.query) {
            payload.executor = TwiceAtMost { executor: payload.executor, after: self.after }.to_boxed_arc();
        }
        payload.proceed()
    }
}

/// The router writes these documents itself, the operation before its fragments.
fn is_query(document: &str) -> bool {
    document.starts_with("query") || document.starts_with('{')
}

struct TwiceAtMost {
    executor: SubgraphExecutorBoxedArc,
    after: Duration,
}

#[async_trait]
impl SubgraphExecutor for TwiceAtMost {
    fn executor_name(&self) -> &str {
        self.executor.executor_name()
    }

    fn endpoint(&self) -> &Uri {
        self.executor.endpoint()
    }

    async fn execute<'a>(
        &self,
        request: SubgraphExecutionRequest<'a>,
        timeout: Option<Duration>,
        plugins: Option<&'a PluginRequestState<'a>>,
    ) -> Result<SubgraphResponse<'static>, SubgraphExecutorError> {
        let again = copied(&request);
        let started = Instant::now();
        let broken = match self.executor.execute(request, timeout, plugins).await {
            Err(error) if is_broken(&error) => error,
            answered => return answered,
        };
        let left = timeout.map(|timeout| timeout.saturating_sub(started.elapsed() + self.after));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(broken);
        }
        let waiting = external_wait::enter();
        sleep(self.after).await;
        drop(waiting);
        self.executor.execute(again, left, plugins).await
    }

    async fn subscribe<'a>(
        &self,
        request: SubgraphExecutionRequest<'a>,
        timeout: Option<Duration>,
    ) -> Result<
        BoxStream<'static, Result<SubgraphResponse<'static>, SubgraphExecutorError>>,
        SubgraphExecutorError,
    > {
        self.executor.subscribe(request, timeout).await
    }
}

fn copied<'a>(request: &SubgraphExecutionRequest<'a>) -> SubgraphExecutionRequest<'a> {
    SubgraphExecutionRequest {
        query: request.query,
        document_name_write_pos: request.document_name_write_pos,
        dedupe: request.dedupe,
        operation_name: request.operation_name.clone(),
        variables: request.variables.clone(),
        headers: request.headers.clone(),
        raw_variable_values: request.raw_variable_values.clone(),
        extensions: request.extensions.clone(),
        custom_scalar_paths: request.custom_scalar_paths,
        connection_fingerprint: request.connection_fingerprint,
    }
}

/// Whether the connection was refused, reset or closed, as against an answer that is late, or none that was understood.
fn is_broken(error: &SubgraphExecutorError) -> bool {
    let SubgraphExecutorError::RequestFailure(failure) = error else {
        return false;
    };
    let mut cause = failure.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
                return true;
            }
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return is_broken_connection(error.kind());
        }
        cause = error.source();
    }
    false
}

fn is_broken_connection(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::NotConnected
            | ErrorKind::UnexpectedEof
    )
}

#[cfg(test)]
mod tests {
    use super::is_query;

    #[test]
    fn only_documents_of_queries_are_reads() {
        for document in ["{task{id}}", "query($id:ID!){task(id:$id){id}}", "query{task{id}}"] {
            assert!(is_query(document), "{document}");
        }
        for document in ["mutation{count}", "mutation($query:ID!){count(query:$query)}", "subscription{count}", ""] {
            assert!(!is_query(document), "{document}");
        }
    }
}
