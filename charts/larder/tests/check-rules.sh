#!/usr/bin/env bash
# Holds the alert rules to rules_test.yaml, and sees that they are still rules when the chart has put other thresholds in.
# promtool and Helm are the lab's (lab/lab fetch prometheus helm), where LARDER_LAB_BIN says where that is; else those in PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=${LARDER_LAB_BIN:+$LARDER_LAB_BIN:}$PATH

promtool check rules files/rules.yaml
promtool test rules tests/rules_test.yaml

rendered=$(mktemp)
trap 'rm -f "$rendered"' EXIT
rules=monitoring.rules
helm template larder . --show-only templates/rules.yaml --set-json "$rules.enabled=true,$rules.maxAgeHoursOf={\"demo/weekly\":192}" \
  --set-json "$rules.maxAgeHours=30,$rules.slowFactor=4.5,$rules.shrinkFactor=0.25,$rules.growthFactor=2" |
  sed '1,/^spec:/d; s/^  //' >"$rendered"
promtool check rules "$rendered"
for threshold in '30 * 3600' '> 4.5 *' '< 0.25 *' '> 2 *' 'vector(192 * 3600)'; do
  grep -qF "$threshold" "$rendered" || { echo "no '$threshold' in what the chart makes of the rules" >&2; exit 1; }
done
