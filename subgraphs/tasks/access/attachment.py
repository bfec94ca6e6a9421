"""Files at tasks. Their addresses open them for whoever has one, so that seeing the task is what counts."""

from shared.access import NOT_ALLOWED, NOT_FOUND, NULL, VALUE, Declaration, Mutation, Object, Type, everybody, signed_in

TASK = "task(id: $task)"
FILE = 'filename: "fence.png", contentType: "image/png", sizeBytes: 1000'
UPLOAD = f"createAttachmentUpload(input: {{taskId: $task, {FILE}}})"
BEGINS = signed_in(NOT_ALLOWED, owner=VALUE)

ALL = everybody(VALUE)
POSTER_SEES = everybody(NULL, owner=VALUE)

FIELDS = "id filename contentType sizeBytes url urlExpiresAt"

ACCESS: list[Declaration] = [
    Object("attachment", "a file at an open task", owner="who posted the task"),
    Object("attachment of a draft", "a file at a task that was not published", owner="who wrote it"),
    Type("Task", "attachment", TASK, {"attachments": ALL}),
    Type("Task", "attachment of a draft", TASK, {"attachments": POSTER_SEES}),
    Type("Attachment", "attachment", f"{TASK}.attachments", {FIELDS: ALL}),
    Type("Attachment", "attachment", "", {FIELDS: ALL}),
    Type("Attachment", "attachment of a draft", "", {FIELDS: POSTER_SEES}),
    Type("Attachment", "attachment of a draft", f"{TASK}.attachments", {FIELDS: POSTER_SEES}),
    Mutation(UPLOAD, "open task", BEGINS, gives="upload", repeatable=True),
    Type("AttachmentUpload", "open task", f"{UPLOAD}.upload", {
        "attachmentId url expiresAt mostChunkBytes": signed_in(NULL, owner=VALUE),
    }),
    Mutation(
        "removeAttachment(input: {attachmentId: $attachment})",
        "attachment", signed_in(NOT_ALLOWED, owner=VALUE), gives="task", again=NOT_FOUND,
    ),
    Mutation(
        "removeAttachment(input: {attachmentId: $attachment})",
        "attachment of a draft", signed_in(NOT_FOUND, owner=VALUE), gives="task", again=NOT_FOUND,
    ),
]  # fmt: skip
