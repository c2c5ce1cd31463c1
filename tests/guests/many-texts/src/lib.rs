//! A filter whose work is texts: it reads fourteen of them, copies all, and searches the copy.

use hooksieve_sdk::prelude::*;

/// Every text of the guide's record that is worth searching.
#[derive(Fields)]
pub struct Record {
    #[field("/currentValue/id")]
    id: String,
    #[field("/currentValue/uid")]
    uid: String,
    #[field("/currentValue/title")]
    title: String,
    #[field("/currentValue/createdAt")]
    created_at: String,
    #[field("/currentValue/updatedAt")]
    updated_at: String,
    #[field("/currentValue/createdById")]
    created_by: String,
    #[field("/currentValue/todoList/title")]
    list: String,
    #[field("/currentValue/todoList/uid")]
    list_uid: String,
    #[field("/currentValue/todoList/project/name")]
    project: String,
    #[field("/currentValue/todoList/project/slug")]
    project_slug: String,
    #[field("/currentValue/todoList/project/category")]
    category: String,
    #[field("/currentValue/todoList/project/company/name")]
    company: String,
    #[field("/currentValue/todoList/project/company/slug")]
    company_slug: String,
    #[field("/currentValue/todoList/project/company/uid")]
    company_uid: String,
}

/// Delivers an event when one of three words is in its texts, in whatever case.
#[filter]
pub fn many_texts(record: Record) -> Verdict {
    let texts = [
        record.id,
        record.uid,
        record.title,
        record.created_at,
        record.updated_at,
        record.created_by,
        record.list,
        record.list_uid,
        record.project,
        record.project_slug,
        record.category,
        record.company,
        record.company_slug,
        record.company_uid,
    ];
    let words: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
    let all = words.join(" ");
    match ["orbit", "apollo", "urgent"].into_iter().find(|word| all.contains(word)) {
        Some(_) => deliver(),
        None => skip(format!("none of the words in {} characters", all.len())),
    }
}
