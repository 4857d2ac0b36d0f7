"""Hand-over: manifest in; a cut, a contact sheet or an editor's timeline out."""
