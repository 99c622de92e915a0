"""Pictures of the real program: what a terminal shows of it, drawn as SVG and PNG."""
