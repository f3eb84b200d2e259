//! Fields that are taken and do nothing yet: said, so that nobody relies on them. Pure.

use crate::conditions::Conditions;

/// Says which of the fields that are set have no effect; nothing where there are none.
pub(crate) fn say(conditions: &mut Conditions, fields: &[(&str, bool)]) {
    let set: Vec<&str> = fields.iter().filter(|(_, set)| *set).map(|(field, _)| *field).collect();
    if set.is_empty() {
        conditions.forget("SpecHonored");
    } else {
        let message = format!("this version of the operator does nothing with {}", set.join(" and "));
        conditions.set("SpecHonored", false, "FieldsWithoutEffect", message);
    }
}
