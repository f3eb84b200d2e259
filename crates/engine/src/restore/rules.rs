//! What a restore does where something is there already. Decides only; asks no server.

use std::collections::BTreeMap;

use elasticsearch::{DefinitionKind, load::OnConflict};

use crate::parts::Part;

/// A rule for all, and other ones for some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictRules {
    /// For whatever has no rule of its own.
    pub otherwise: OnConflict,
    /// For indices and data streams.
    pub indices: Option<OnConflict>,
    /// For the definitions of a part.
    pub definitions: BTreeMap<Part, OnConflict>,
}

impl ConflictRules {
    /// The rule for indices and data streams.
    pub fn of_indices(&self) -> OnConflict {
        self.indices.unwrap_or(self.otherwise)
    }

    /// The rule for definitions of a kind.
    pub fn of_definition(&self, kind: DefinitionKind) -> OnConflict {
        self.definitions.get(&Part::of(kind)).copied().unwrap_or(self.otherwise)
    }
}

impl From<OnConflict> for ConflictRules {
    fn from(rule: OnConflict) -> Self {
        Self { otherwise: rule, indices: None, definitions: BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_without_a_rule_has_that_of_all() {
        let rules = ConflictRules {
            definitions: [(Part::Templates, OnConflict::Overwrite)].into(),
            ..ConflictRules::from(OnConflict::Skip)
        };
        assert_eq!(rules.of_indices(), OnConflict::Skip);
        assert_eq!(rules.of_definition(DefinitionKind::Script), OnConflict::Skip);
        assert_eq!(rules.of_definition(DefinitionKind::ComponentTemplate), OnConflict::Overwrite);
        assert_eq!(ConflictRules { indices: Some(OnConflict::Fail), ..rules }.of_indices(), OnConflict::Fail);
    }
}
