package policy

// Weights is what findings are worth, one row for each status that carries
// weight.
var Weights = []Weight{}
