"""The embedded Explore service: a folder of images in, the Explore API out."""
