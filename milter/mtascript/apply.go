package mtascript

import "strings"

// node is a field in the MTA's own list. hidden ones are never seen by a filter
// and not delivered as they are; gone ones are deleted.
type node struct {
	Header
	hidden, gone bool
}

// sendmailDefaults are the H lines of Sendmail's cf/m4/proto.m4. They stay in its
// header list, above the client's fields, and take part in its insert index.
var sendmailDefaults = []string{"Return-Path", "Received", "Resent-Date", "Date", "Resent-From",
	"From", "Full-Name", "Resent-Message-Id", "Message-Id"}

// Apply does with the fields that a filter was shown what the MTA would do for
// the edits, and returns the fields as delivered, the MTA's own Received (Own)
// among them. Edits of other codes are passed over.
//
//   - add: Postfix appends. Sendmail puts it above the first field of that name,
//     or at the end.
//   - insert: Postfix index 0 is above the own Received, 1 right below it; beyond
//     the end it appends. Sendmail inserts after the entry of that index in its
//     list, whose entry 0 is Return-Path, which is not sent on: so its index 0,
//     too, is above the own Received, and 1 right below it; 2 to 8 count
//     default fields and come to the same place as 1, unless Sendmail fills in a
//     Date, From or Message-Id that the client left out: these, which Apply does
//     not show, stand between the own Received and the client's fields.
//   - change: index 1 is the first field of that name, without the own Received;
//     0 is 1. An empty value deletes. Without such a field Postfix appends and
//     Sendmail adds. After a delete Postfix counts the later ones anew, Sendmail
//     counts the deleted one still: delete from the highest index down.
func Apply(mta MTA, edits []Edit, headers []Header) []Header {
	list := startList(mta, headers)
	for _, e := range edits {
		switch e.Code {
		case ReplyAddHeader:
			list = add(mta, list, e)
		case ReplyInsHeader:
			list = insert(mta, list, e)
		case ReplyChgHeader:
			list = change(mta, list, e)
		}
	}
	out := make([]Header, 0, len(list))
	for _, n := range list {
		if !n.hidden && !n.gone {
			out = append(out, n.Header)
		}
	}
	return out
}

func startList(mta MTA, headers []Header) []node {
	own := Header{Name: "Received", Value: "by the MTA itself", Own: true}
	list := []node{{Header: own}}
	if mta == Sendmail {
		list = list[:0]
		for _, name := range sendmailDefaults {
			n := node{Header: Header{Name: name}, hidden: true}
			if name == "Received" {
				n = node{Header: own}
			}
			list = append(list, n)
		}
	}
	for _, h := range headers {
		h.Own = false
		list = append(list, node{Header: h})
	}
	return list
}

func add(mta MTA, list []node, e Edit) []node {
	n := node{Header: Header{Name: e.Name, Value: e.Value}}
	if mta == Sendmail {
		for i, h := range list {
			if h.hidden && strings.EqualFold(h.Name, e.Name) {
				list[i] = n
				return list
			}
		}
		for i, h := range list {
			if strings.EqualFold(h.Name, e.Name) {
				return insertAt(list, i, n)
			}
		}
	}
	return append(list, n)
}

func insert(mta MTA, list []node, e Edit) []node {
	n := node{Header: Header{Name: e.Name, Value: e.Value}}
	at := uint64(e.Index)
	if mta == Sendmail {
		at++
		return insertAt(list, int(min(at, uint64(len(list)))), n)
	}
	for i, h := range list {
		if h.gone {
			continue
		}
		if at == 0 {
			return insertAt(list, i, n)
		}
		at--
	}
	return append(list, n)
}

func insertAt(list []node, i int, n node) []node {
	list = append(list, node{})
	copy(list[i+1:], list[i:])
	list[i] = n
	return list
}

func change(mta MTA, list []node, e Edit) []node {
	index := max(e.Index, 1)
	sys := -1
	for i, h := range list {
		if h.Own || !strings.EqualFold(h.Name, e.Name) {
			continue
		}
		if h.hidden {
			sys = i
			continue
		}
		if h.gone && mta == Postfix {
			continue
		}
		if index--; index == 0 {
			list[i].Value, list[i].gone = e.Value, e.Value == ""
			return list
		}
	}
	switch {
	case e.Value == "":
		return list
	case sys >= 0:
		list[sys] = node{Header: Header{Name: list[sys].Name, Value: e.Value}}
		return list
	}
	return add(mta, list, e)
}
