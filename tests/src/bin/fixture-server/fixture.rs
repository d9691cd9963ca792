//! The server: which request is answered where.

use std::sync::{Arc, Mutex};

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::*,
    service::{NotificationContext, RequestContext, SubscriptionContext},
    task_manager::TaskManager,
};

use crate::{
    call::{Call, Stop},
    changes::{Changes, Membership},
    contents,
    matrix::Slow,
    prompts, resources, tools,
};

/// How long clients may keep a list: long enough that one who asks again has a reason.
const KEEP: u64 = 60_000;

/// The server as one session sees it; without sessions, as one request does.
pub(crate) struct Fixture {
    pub(crate) shared: Arc<Shared>,
    pub(crate) level: Mutex<LoggingLevel>,
    membership: Membership,
}

/// What all sessions share.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) changes: Changes,
    pub(crate) slow: Slow,
    pub(crate) tasks: TaskManager,
}

impl Default for Fixture {
    fn default() -> Self {
        Self::of(&Arc::default())
    }
}

impl Fixture {
    pub(crate) fn of(shared: &Arc<Shared>) -> Self {
        let membership = shared.changes.join();
        Self { shared: Arc::clone(shared), level: Mutex::new(LoggingLevel::Debug), membership }
    }
}

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_completions()
            .enable_logging()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_list_changed()
            .enable_resources_subscribe()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_tasks()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("fixture-server", env!("CARGO_PKG_VERSION")))
            .with_instructions("Offers everything that MCP has.")
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        contents::TOOLS.iter().find(|tool| tool.name == name).cloned()
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.membership.can_be_told(&context.peer);
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = tools::offered(&self.shared);
        Ok(ListToolsResult::with_all_items(tools).with_ttl_ms(KEEP).with_cache_scope(CacheScope::Public))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        match tools::answer(&Call { fixture: self, request, context }).await {
            Ok(response) => Ok(response),
            Err(Stop::Input(required)) => Ok((*required).into()),
            Err(Stop::Failed(reason)) => Ok(CallToolResult::error(vec![ContentBlock::text(reason)]).into()),
            Err(Stop::Error(error)) => Err(error),
        }
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        Ok(GetTaskResult::new(self.shared.tasks.get_task(&request.task_id)?))
    }

    async fn update_task(&self, request: UpdateTaskParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        self.shared.tasks.update_task(&request.task_id, request.input_responses)
    }

    async fn cancel_task(&self, request: CancelTaskParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        self.shared.tasks.cancel_task(&request.task_id)
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resources = resources::offered(&self.shared);
        Ok(ListResourcesResult::with_all_items(resources).with_ttl_ms(KEEP).with_cache_scope(CacheScope::Public))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let templates = contents::get("/templates");
        Ok(ListResourceTemplatesResult::with_all_items(templates)
            .with_ttl_ms(KEEP)
            .with_cache_scope(CacheScope::Public))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let result = resources::read(&self.shared, &request.uri)?;
        Ok(result.with_ttl_ms(KEEP).with_cache_scope(CacheScope::Public).into())
    }

    async fn subscribe(&self, request: SubscribeRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        self.membership.subscribe(request.uri);
        Ok(())
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.membership.unsubscribe(&request.uri);
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let _listening = self.shared.changes.listen(context.sink().clone());
        context.cancelled().await;
        Ok(())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let prompts = prompts::offered(&self.shared);
        Ok(ListPromptsResult::with_all_items(prompts).with_ttl_ms(KEEP).with_cache_scope(CacheScope::Public))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        prompts::get(&request)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        prompts::complete(&request)
    }

    async fn set_level(&self, request: SetLevelRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        *self.level.lock().unwrap() = request.level;
        Ok(())
    }

    /// `vendor/echo` gives back what it got: what nobody standardised has to pass the gateway too.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        if request.method == "vendor/echo" {
            return Ok(CustomResult::new(request.params.unwrap_or_default()));
        }
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, request.method, None))
    }

    /// `vendor/ping` is answered by a notification `vendor/pong`.
    async fn on_custom_notification(&self, notification: CustomNotification, context: NotificationContext<RoleServer>) {
        if notification.method == "vendor/ping" {
            let pong = CustomNotification::new("vendor/pong", notification.params);
            let _ = context.peer.send_notification(ServerNotification::CustomNotification(pong)).await;
        }
    }
}
