package milter

import (
	"testing"

	gomilter "github.com/emersion/go-milter"

	"github.com/iot-milter/iot-milter/policy"
)

// TestQuirk14ConnectIsAnsweredWhereLookUpsBegin: Postfix would hold the frames back.
func TestQuirk14ConnectIsAnsweredWhereLookUpsBegin(t *testing.T) {
	all := offer{version: 6, actions: ^gomilter.OptAction(0), protocol: ^gomilter.OptProtocol(0)}
	for prompt, silent := range map[bool]bool{false: true, true: false} {
		a := agree(all, policy.Wishes{Earliest: policy.StageRcpt, Prompt: prompt})
		if a.silent(policy.StageConnect) != silent || !a.silent(policy.StageHelo) || !a.silent(policy.StageMail) {
			t.Errorf("prompt %v: protocol %b", prompt, a.protocol)
		}
	}
}
