package policy

import "testing"

func TestSenderRandom(t *testing.T) {
	for from, want := range map[string]string{
		"qwxzrtl@example.org":            "sender-random:fail",
		"QWXZRTL@example.org":            "sender-random:fail",
		"ko0vugq3z83@example.org":        "sender-random:fail",
		"a1b2@example.org":               "", // too short
		"a1bc2@example.org":              "sender-random:fail",
		"anna1985@example.org":           "",
		"2nd4you@example.org":            "sender-random:fail", // a price
		"schmidt@example.org":            "",
		"krystyna@example.org":           "",
		"angstschrei@example.org":        "sender-random:fail", // a price
		"bounce-qwxzrtl@example.org":     "",
		"a1b2c3=b=example.net@list.test": "",
		"qwxzrtlqwxzrtlqwxzrtl@example":  "", // too long
		"q\xc3\xbcxzrtlk@example.org":    "",
		"qwxzrtl":                        "", // no address
		"":                               "",
	} {
		f := observed{helo: "-"}.facts()
		f.Envelope.From, f.Headers = Seen(from), nil
		var j Judgement
		j.Judge(f, StageEOM, &testPrior, testLimit)
		if got := j.found(); got != want {
			t.Errorf("%q: %s, want %s", from, got, want)
		}
	}
}
