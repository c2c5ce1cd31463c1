//! `WebhookEvent`: the event types of Blue's schema, which are those that are built in.
//!
//! The catalogue has them too; here they are once more because an enum of a schema is part of the program. A
//! test compares both.

use async_graphql::Enum;

/// Defines the enum, and its names as text.
macro_rules! webhook_event {
    ($($case:ident = $name:literal, $what:literal;)*) => {
        /// What can happen to a record, a checklist, a list, a custom field, a tag or a comment.
        #[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
        pub(super) enum WebhookEvent {
            $(#[doc = $what] #[graphql(name = $name)] $case,)*
        }

        impl WebhookEvent {
            /// The name of the event type.
            pub(super) fn as_str(self) -> &'static str {
                match self { $(Self::$case => $name,)* }
            }

            /// The case of that name; none for a type that the operator added.
            pub(super) fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$case),)* _ => None }
            }
        }
    };
}

webhook_event! {
    TodoCreated = "TODO_CREATED", "A record was created";
    TodoDeleted = "TODO_DELETED", "A record was deleted";
    TodoMoved = "TODO_MOVED", "A record was moved to a different list";
    TodoNameChanged = "TODO_NAME_CHANGED", "A record's title was changed";
    TodoDoneStatusUpdated = "TODO_DONE_STATUS_UPDATED", "A record was marked done or undone";
    TodoDueDateAdded = "TODO_DUE_DATE_ADDED", "A due date was added to a record";
    TodoDueDateUpdated = "TODO_DUE_DATE_UPDATED", "A record's due date was changed";
    TodoDueDateRemoved = "TODO_DUE_DATE_REMOVED", "A due date was removed from a record";
    TodoAssigneeAdded = "TODO_ASSIGNEE_ADDED", "An assignee was added to a record";
    TodoAssigneeRemoved = "TODO_ASSIGNEE_REMOVED", "An assignee was removed from a record";
    TodoTagAdded = "TODO_TAG_ADDED", "A tag was added to a record";
    TodoTagRemoved = "TODO_TAG_REMOVED", "A tag was removed from a record";
    TodoCustomFieldUpdated = "TODO_CUSTOM_FIELD_UPDATED", "A custom field value was changed on a record";
    TodoChecklistCreated = "TODO_CHECKLIST_CREATED", "A checklist was created on a record";
    TodoChecklistNameChanged = "TODO_CHECKLIST_NAME_CHANGED", "A checklist was renamed";
    TodoChecklistDeleted = "TODO_CHECKLIST_DELETED", "A checklist was deleted";
    TodoChecklistItemCreated = "TODO_CHECKLIST_ITEM_CREATED", "A checklist item was created";
    TodoChecklistItemNameChanged = "TODO_CHECKLIST_ITEM_NAME_CHANGED", "A checklist item was renamed";
    TodoChecklistItemDeleted = "TODO_CHECKLIST_ITEM_DELETED", "A checklist item was deleted";
    TodoChecklistItemDueDateAdded = "TODO_CHECKLIST_ITEM_DUE_DATE_ADDED", "A due date was added to a checklist item";
    TodoChecklistItemDueDateUpdated = "TODO_CHECKLIST_ITEM_DUE_DATE_UPDATED", "A checklist item's due date was changed";
    TodoChecklistItemDueDateRemoved = "TODO_CHECKLIST_ITEM_DUE_DATE_REMOVED", "A due date was removed from a checklist item";
    TodoChecklistItemAssigneeAdded = "TODO_CHECKLIST_ITEM_ASSIGNEE_ADDED", "An assignee was added to a checklist item";
    TodoChecklistItemAssigneeRemoved = "TODO_CHECKLIST_ITEM_ASSIGNEE_REMOVED", "An assignee was removed from a checklist item";
    TodoChecklistItemDoneStatusUpdated = "TODO_CHECKLIST_ITEM_DONE_STATUS_UPDATED", "A checklist item was marked done or undone";
    TodoListCreated = "TODO_LIST_CREATED", "A list was created in a workspace";
    TodoListDeleted = "TODO_LIST_DELETED", "A list was deleted";
    TodoListNameChanged = "TODO_LIST_NAME_CHANGED", "A list was renamed";
    CustomFieldCreated = "CUSTOM_FIELD_CREATED", "A custom field was created";
    CustomFieldDeleted = "CUSTOM_FIELD_DELETED", "A custom field was deleted";
    CustomFieldUpdated = "CUSTOM_FIELD_UPDATED", "A custom field definition was updated";
    TagCreated = "TAG_CREATED", "A tag was created";
    TagDeleted = "TAG_DELETED", "A tag was deleted";
    TagUpdated = "TAG_UPDATED", "A tag was updated";
    CommentCreated = "COMMENT_CREATED", "A comment was created";
    CommentDeleted = "COMMENT_DELETED", "A comment was deleted";
    CommentUpdated = "COMMENT_UPDATED", "A comment was updated";
}

#[cfg(test)]
mod tests {
    use async_graphql::resolver_utils::EnumType;

    use super::*;
    use crate::model::catalogue::Catalogue;

    #[test]
    fn the_enum_has_the_types_of_the_catalogue_in_its_order() {
        let catalogue = Catalogue::built_in();

        let known: Vec<&str> = catalogue.types().iter().map(|info| info.name.as_str()).collect();
        let cases: Vec<&str> = WebhookEvent::items().iter().map(|item| item.name).collect();

        assert_eq!(cases, known);
        for item in WebhookEvent::items() {
            assert_eq!(item.value.as_str(), item.name);
            assert_eq!(WebhookEvent::parse(item.name), Some(item.value));
        }
        assert_eq!(WebhookEvent::parse("INVOICE_PAID"), None);
    }
}
