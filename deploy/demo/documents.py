"""What the demo asks the graph for."""

_BID = "id status version amount { amount currency } tasker { id displayName }"
_EVENT = "seq previousSeq type"
BID_EVENTS = f"""
subscription BidEvents($taskId: ID!, $after: Int) {{
  bidEvents(taskId: $taskId, after: $after) {{ {_EVENT} bid {{ {_BID} }} }}
}}"""
TASK_EVENTS = f"""
subscription TaskEvents($taskId: ID!, $after: Int) {{
  taskEvents(taskId: $taskId, after: $after) {{ {_EVENT} task {{ status version tasker {{ id displayName }} }} }}
}}"""
_MONEY = "{ amount currency }"
ESCROW_EVENTS = f"""
subscription EscrowEvents($taskId: ID!, $after: Int) {{
  escrowEvents(taskId: $taskId, after: $after) {{
    {_EVENT} escrow {{ id status held {_MONEY} released {_MONEY} fee {_MONEY} refunded {_MONEY} }}
  }}
}}"""
NOTIFICATION_EVENTS = f"""
subscription NotificationEvents($after: Int) {{
  notificationEvents(after: $after) {{ {_EVENT} notification {{ title body link }} }}
}}"""
_ERRORS = "userErrors { code message field }"
CATEGORIES = "query Categories { categories { children { id slug } } }"
CREATE_TASK = f"""
mutation CreateTask($input: CreateTaskInput!) {{ createTask(input: $input) {{ task {{ id }} {_ERRORS} }} }}"""
CREATE_PLACE = f"""
mutation CreatePlace($input: CreatePlaceInput!) {{
  createPlace(input: $input) {{ place {{ id publicPoint {{ latitude longitude }} }} {_ERRORS} }}
}}"""
NEARBY_TASKS = """
query NearbyTasks($center: PointInput!) {
  nearbyTasks(center: $center, radiusMeters: 1000, first: 100) { nodes { id } }
}"""
PLACE = "query Place($id: ID!) { place(id: $id) { address } }"
CREATE_SAVED_SEARCH = f"""
mutation CreateSavedSearch($input: CreateSavedSearchInput!) {{
  createSavedSearch(input: $input) {{ savedSearch {{ id }} {_ERRORS} }} }}"""
START_PAYMENT_METHOD_SETUP = f"""
mutation StartPaymentMethodSetup($input: StartPaymentMethodSetupInput!) {{
  startPaymentMethodSetup(input: $input) {{ setup {{ id clientSecret }} {_ERRORS} }} }}"""
ADD_PAYMENT_METHOD = f"""
mutation AddPaymentMethod($input: AddPaymentMethodInput!) {{
  addPaymentMethod(input: $input) {{ paymentMethod {{ id }} {_ERRORS} }} }}"""
TIP_TASKER = f"""
mutation TipTasker($input: TipTaskerInput!) {{ tipTasker(input: $input) {{ tip {{ id }} {_ERRORS} }} }}"""
START_PAYOUT_ONBOARDING = f"""
mutation StartPayoutOnboarding($input: StartPayoutOnboardingInput!) {{
  startPayoutOnboarding(input: $input) {{ url {_ERRORS} }} }}"""
PAYOUT_ACCOUNT = "query PayoutAccount { payoutAccount { status } }"
MY_BALANCES = f"query MyBalances {{ myBalances {{ available {_MONEY} onItsWay {_MONEY} }} }}"
REQUEST_PAYOUT = f"""
mutation RequestPayout($input: RequestPayoutInput!) {{
  requestPayout(input: $input) {{ payout {{ id }} {_ERRORS} }} }}"""
LEDGER = f"""
query Ledger($account: String!) {{
  ledger(account: $account) {{
    kind
    balance {_MONEY}
    entries(first: 50) {{ nodes {{ side amount {_MONEY} step subjectId createdAt }} }}
  }}
}}"""
PLATFORM_BALANCE = f"query PlatformBalance {{ platformBalance {{ kind balance {_MONEY} }} }}"
OPEN_TASKS = """
query OpenTasks($posterId: ID!) {
  tasks(filter: { posterId: $posterId, text: "fence -roof" }, first: 1) { nodes { id title } } }"""


def _bid_mutation(name: str) -> str:
    kind = name[0].upper() + name[1:]
    return f"mutation {kind}($input: {kind}Input!) {{ {name}(input: $input) {{ bid {{ {_BID} }} {_ERRORS} }} }}"


def _step(name: str) -> str:
    kind = name[0].upper() + name[1:]
    return f"mutation {kind}($input: {kind}Input!) {{ {name}(input: $input) {{ task {{ version }} {_ERRORS} }} }}"


START_TASK = _step("startTask")
SUBMIT_DELIVERY = _step("submitDelivery")
APPROVE_DELIVERY = _step("approveDelivery")
PLACE_BID = _bid_mutation("placeBid")
UPDATE_BID = _bid_mutation("updateBid")
WITHDRAW_BID = _bid_mutation("withdrawBid")
ACCEPT_BID = _bid_mutation("acceptBid")
