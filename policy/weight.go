package policy

import "fmt"

// Weight is one row of the table: what a signal's status is worth.
type Weight struct {
	Signal string
	Status Status
	// Decibans, per class: 10·log10 of how much likelier the finding is from a
	// client of that class than from a mail server, whose entry is 0.
	Decibans PerClass
	// Measured says that Source gives a rate among legitimate mail. Rows
	// without one weigh at most 5 decibans and never complete a refusal.
	Measured bool
	Source   string
}

// MaxUnmeasured is the most, in decibans, that a row without a measured or cited
// rate may weigh.
const MaxUnmeasured = 5

// weigh is shorthand for the table: decibans against a mail server.
func weigh(hosting, business, access, device float64) PerClass {
	return PerClass{ClassHosting: hosting, ClassBusiness: business, ClassAccess: access, ClassDevice: device}
}

// seen says how many of the recorded connections had a finding: of spam of 2007,
// of legitimate ones of 2007, of people's own servers (-l2, some of them of 2007),
// of all other legitimate ones.
func seen(spam, ham07, l2, other int) string {
	return fmt.Sprintf("found in %d of %d spam connections of 2007; %d of %d legitimate ones of 2007, %d of %d of people's own servers, %d of %d others",
		spam, seenSpam, ham07, seenHam07, l2, seenL2, other, seenOther)
}

// seenMails is the same of the sample of mails with headers.
func seenMails(spam, ham07, l2, other int) string {
	return fmt.Sprintf("found in %d of %d spam mails of 2007; %d of %d legitimate ones of 2007, %d of %d of people's own servers, %d of %d others",
		spam, mailSpam, ham07, mailHam07, l2, mailL2, other, mailOther)
}

// seenNames says how many of the labelled names had a finding: of users by
// their login, of static lines, of hosting, of mail servers.
func seenNames(users, static, hosting, servers int) string {
	return fmt.Sprintf("; found in %d of %d names of users, %d of %d of static lines, %d of %d of hosting, %d of %d of mail servers",
		users, nameUsers, static, nameStatic, hosting, nameHosting, servers, nameServers)
}

// row is a signal with its weights by status, nil where there is none.
type row struct {
	signal  *Signal
	weights [numStatuses]*Weight
}

// rows are those of Signals.
var rows = func() []row {
	rows := make([]row, len(Signals))
	for i := range Signals {
		rows[i].signal = &Signals[i]
		for j := range Weights {
			if w := &Weights[j]; w.Signal == Signals[i].Name {
				rows[i].weights[w.Status] = w
			}
		}
	}
	return rows
}()
