//! Finds the fields that an expression names.
//!
//! Each path from a member of the event, such as `currentValue.todoList.title`, becomes one variable, named like the path
//! and declared as the field `/currentValue/todoList/title`; `has(path)` becomes one too. So each path is read on its own,
//! whatever else the expression reads, and the event is never built as a whole. A path ends where it goes on with
//! something that a pointer cannot say: `currentValue.todoTags[0].title` declares `/currentValue/todoTags`.

use std::sync::Arc;

use cel::common::ast::{EntryExpr, Expr};
use cel::{Env, IdedExpr};
use hooksieve_sdk::Pointer;

use crate::fields::{Fields, HAS};
use crate::functions;
use crate::path::Path;

/// How deep an expression may be nested: what fits a filter's stack.
pub(crate) const DEPTH_MAX: u16 = 24;

/// Takes the paths out of an expression. Answers also with the pointers to declare.
pub(crate) fn take(expression: &mut IdedExpr, env: &Arc<Env>) -> Result<(Fields, Vec<Pointer>), String> {
    let mut walk = Walk { env, bound: Vec::new(), fields: Fields::default(), pointers: Vec::new() };
    walk.expression(expression, 0)?;
    Ok((walk.fields, walk.pointers))
}

struct Walk<'a> {
    env: &'a Arc<Env>,
    /// Variables of the macros around, which stand for no field.
    bound: Vec<String>,
    fields: Fields,
    pointers: Vec<Pointer>,
}

impl Walk<'_> {
    fn expression(&mut self, expression: &mut IdedExpr, depth: u16) -> Result<(), String> {
        if depth > DEPTH_MAX {
            return Err(format!("it is nested too deep; {DEPTH_MAX} levels are allowed"));
        }
        if let Some(path) = Path::of(&expression.expr, &self.bound) {
            if let Some(variable) = self.declare(path)? {
                expression.expr = Expr::Ident(variable);
            }
            return Ok(());
        }
        let mut walk = |inner: &mut IdedExpr| self.expression(inner, depth + 1);
        match &mut expression.expr {
            Expr::Select(select) => walk(&mut select.operand),
            Expr::Call(call) => {
                call.target.as_deref_mut().map_or(Ok(()), &mut walk)?;
                call.args.iter_mut().try_for_each(walk)?;
                let is_named = call.func_name.starts_with(|first: char| first.is_ascii_alphabetic());
                match is_named && !functions::exists(&call.func_name, self.env) {
                    true => Err(format!("there is no function `{}`", call.func_name)),
                    false => Ok(()),
                }
            }
            Expr::List(list) => list.elements.iter_mut().try_for_each(walk),
            Expr::Map(map) => map.entries.iter_mut().try_for_each(|entry| match &mut entry.expr {
                EntryExpr::MapEntry(entry) => walk(&mut entry.key).and_then(|()| walk(&mut entry.value)),
                EntryExpr::StructField(field) => walk(&mut field.value),
            }),
            Expr::Struct(_) => Err("there are no types to make values of".to_owned()),
            Expr::Comprehension(comprehension) => {
                walk(&mut comprehension.iter_range)?;
                walk(&mut comprehension.accu_init)?;
                let before = self.bound.len();
                self.bound.extend([comprehension.accu_var.clone(), comprehension.iter_var.clone()]);
                self.bound.extend(comprehension.iter_var2.clone());
                for part in [&mut comprehension.loop_cond, &mut comprehension.loop_step, &mut comprehension.result] {
                    self.expression(part, depth + 1)?;
                }
                self.bound.truncate(before);
                Ok(())
            }
            Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => Ok(()),
        }
    }

    /// The variable of a path; `None` if it is the name of a type.
    fn declare(&mut self, path: Path) -> Result<Option<String>, String> {
        let Ok(pointer) = Pointer::parse(&path.pointer) else {
            let root = path.name.split(['.', '[']).next().unwrap_or_default();
            return if self.env.types().find_type(&path.name).is_some() { Ok(None) } else { Err(unknown(root)) };
        };
        let variable = if path.is_test { format!("{HAS}{}", path.name) } else { path.name };
        if !self.fields.0.iter().any(|(known, _)| *known == variable) {
            let at = self.pointers.iter().position(|known| *known == pointer).unwrap_or_else(|| {
                self.pointers.push(pointer);
                self.pointers.len() - 1
            });
            self.fields.0.push((variable.clone(), at));
        }
        Ok(Some(variable))
    }
}

fn unknown(name: &str) -> String {
    format!(
        "an event has no `{name}`; it has id, event, companyId, projectId, userId, occurredAt, previousValue and \
         currentValue, and a record's own fields are in the last two"
    )
}
