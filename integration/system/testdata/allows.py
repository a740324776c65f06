# Prints what a policy allows: python3 allows.py POLICY, with lines "source target class" on
# standard input, prints a line of permissions for each.
import sys

import setools

policy = setools.SELinuxPolicy(sys.argv[1])
for line in sys.stdin:
    source, target, of = line.split()
    rules = setools.TERuleQuery(policy, ruletype=["allow"], source=source, target=target, tclass=[of],
                                source_indirect=True, target_indirect=True)
    print(*sorted({perm for rule in rules.results() for perm in rule.perms}))
