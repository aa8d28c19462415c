# For files with units of the user's systemd: which roots services have is one setting for all of them.

# only_units_of_ours - in setup_file: until this file is done no other has units; it waits for another's end
only_units_of_ours() {
	exec {UNITS_LOCK}>"$XDG_RUNTIME_DIR/units.lock"
	flock "$UNITS_LOCK"
}
