package main

import (
	"regexp"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
)

// baseline is a rule that needs no fit, on the same records.
type baseline struct {
	name string
	hit  func(*unit) bool
}

// shapes are the six of S25R, written from the description that H. Asami
// published in 2004: (1) two numbers in the first label, apart; (2) five digits in
// a row in it; (3) first or second label begins with a digit, four labels or
// more; (4) first label ends with a digit, the second has digit-hyphen-digit; (5)
// five labels or more, the first two end with digits; (6) begins with dhcp,
// dialup, ppp or a kind of dsl, and has a digit in the first label.
var shapes = regexp.MustCompile(`(?i)^[^.]*[0-9][^0-9.]+[0-9]` +
	`|^[^.]*[0-9]{5}` +
	`|^([^.]+\.)?[0-9][^.]*\.[^.]+\..+\.[a-z]` +
	`|^[^.]*[0-9]\.[^.]*[0-9]-[0-9]` +
	`|^[^.]*[0-9]\.[^.]*[0-9]\.[^.]+\..+\.` +
	`|^(dhcp|dialup|ppp|[achrsvx]?dsl)[^.]*[0-9]`)

var baselines = []baseline{
	{"the client's address in the PTR name", func(u *unit) bool {
		return named(u) != "" && device.Parse(named(u), u.Addr()).Has(device.Own)
	}},
	{"no PTR, or one that does not resolve back", func(u *unit) bool { return u.NameState == "none" || u.NameState == "forged" }},
	{"S25R's six shapes of PTR names", func(u *unit) bool { return named(u) != "" && shapes.MatchString(named(u)) }},
	{"S25R's six shapes, or no confirmed PTR", func(u *unit) bool {
		return u.NameState == "none" || u.NameState == "forged" || named(u) != "" && shapes.MatchString(named(u))
	}},
}

// named is the PTR name, claimed ones included.
func named(u *unit) string {
	if u.ClientName != "" {
		return u.ClientName
	}
	return u.Unverified
}

// flagBy is iot-milter as a baseline.
func flagBy(s scorer) baseline {
	return baseline{"iot-milter, flag Yes or Suspect", func(u *unit) bool { return s(u).flagged[u.pattern] }}
}

// scorer finds the scores of the table that judges a unit.
type scorer func(*unit) *scored

// refusable reports whether more than one family stands behind the flag and no
// name of the client's own withholds a refusal.
func (d *data) refusable(s scorer, u *unit) bool {
	j := d.patterns[u.pattern]
	return s(u).flagged[u.pattern] && s(u).families[u.pattern] && !j.Independent
}

func bothFamilies(j *policy.Judgement) bool {
	return j.Families[policy.FamilyLine] && j.Families[policy.FamilyClient]
}
