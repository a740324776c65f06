package state

// journal collects the keys of entries that changed, for whoever keeps them beyond
// the process. The zero journal collects nothing. It is guarded by the lock of its
// table.
type journal[K comparable] struct {
	keys map[K]struct{}
	most int
	lost int // changes that found no room since they were last asked for
}

// journalRoom is how many changed entries of a table are remembered: those of half a
// minute at 2,000 sessions a second.
const journalRoom = 1 << 16

func (j *journal[K]) begin(most int) { j.keys, j.most = make(map[K]struct{}), most }

func (j *journal[K]) note(k K) {
	if j.most == 0 {
		return
	}
	if len(j.keys) >= j.most {
		if _, ok := j.keys[k]; !ok {
			j.lost++
		}
		return
	}
	j.keys[k] = struct{}{}
}

// take empties the journal.
func (j *journal[K]) take() (keys map[K]struct{}, lost int) {
	lost, j.lost = j.lost, 0
	if len(j.keys) > 0 { // the caller reads it without the lock
		keys, j.keys = j.keys, make(map[K]struct{})
	}
	return keys, lost
}
