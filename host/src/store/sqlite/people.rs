//! Users, projects and who is a member of which.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use crate::model::Timestamp;
use crate::model::ids::{ProjectId, UserId};
use crate::store::{Joined, Project, User};

pub(super) fn put_user(connection: &Connection, user: &User, at: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO users (id, name, updated_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, updated_at = excluded.updated_at",
        )?
        .execute((&user.id, &user.name, at))?;
    Ok(())
}

pub(super) fn user_exists(connection: &Connection, id: &UserId) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM users WHERE id = ?1")?.exists((id,))
}

pub(super) fn put_project(connection: &Connection, project: &Project, at: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO projects (id, name, company_id, updated_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE
             SET name = excluded.name, company_id = excluded.company_id, updated_at = excluded.updated_at",
        )?
        .execute((&project.id, &project.name, &project.company_id, at))?;
    Ok(())
}

pub(super) fn project(connection: &Connection, id: &ProjectId) -> rusqlite::Result<Option<Project>> {
    connection
        .prepare_cached("SELECT id, name, company_id FROM projects WHERE id = ?1")?
        .query_one((id,), |row| Ok(Project { id: row.get(0)?, name: row.get(1)?, company_id: row.get(2)? }))
        .optional()
}

pub(super) fn add_member(connection: &Connection, project: &ProjectId, user: &UserId) -> rusqlite::Result<Joined> {
    if !connection.prepare_cached("SELECT 1 FROM projects WHERE id = ?1")?.exists((project,))? {
        return Ok(Joined::NoProject);
    }
    if !user_exists(connection, user)? {
        return Ok(Joined::NoUser);
    }
    connection
        .prepare_cached("INSERT INTO members (project_id, user_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute((project, user))?;
    Ok(Joined::Member)
}

pub(super) fn remove_member(connection: &Connection, project: &ProjectId, user: &UserId) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached("DELETE FROM members WHERE project_id = ?1 AND user_id = ?2")?;
    Ok(statement.execute((project, user))? == 1)
}

/// The members of a project; `None` where it has none or is not there.
pub(super) fn members(connection: &Connection, project: &ProjectId) -> rusqlite::Result<Option<Arc<HashSet<UserId>>>> {
    let members: HashSet<UserId> = connection
        .prepare_cached("SELECT user_id FROM members WHERE project_id = ?1")?
        .query_map((project,), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok((!members.is_empty()).then(|| Arc::new(members)))
}

pub(super) fn projects_among(
    connection: &Connection,
    user: &UserId,
    projects: Vec<ProjectId>,
) -> rusqlite::Result<HashSet<ProjectId>> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM members WHERE project_id = ?1 AND user_id = ?2")?;
    let mut joined = HashSet::new();
    for project in projects {
        if statement.exists((&project, user))? {
            joined.insert(project);
        }
    }
    Ok(joined)
}
