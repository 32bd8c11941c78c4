int yellow_cli_anchor();
